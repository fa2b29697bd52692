import type { GrpcCall } from './clients.ts';
import { predictMethod } from './dishonest-messages.ts';
import type { Tokens } from './gateway.ts';

/** A call that Headgate refuses. Nothing of it reaches TensorFlow. */
export interface GrpcRefusal {
  readonly title: string;
  readonly as: keyof Tokens | 'nobody' | 'garbage';
  readonly call: GrpcCall;
  /** gRPC's name of the status. */
  readonly code: string;
}

const [prod, credit] = ['finance-prod', 'finance-credit'];
const classify = (model: string) => ({ model, signature: 'classify', method: 'classify' }) as const;
const regress = (model: string) => ({ model, signature: 'regress', method: 'regress' }) as const;
const predictProd: GrpcCall = { operation: 'Predict', model: prod };
const labels = { [prod]: { stable: 2 }, [credit]: {} };

/** Calls on a model that isn't the scorer's, by every method. */
const onForbidden: readonly GrpcCall[] = [
  { operation: 'Predict', model: credit },
  { operation: 'Predict', model: credit, size: 1_000_000 },
  { operation: 'Classify', model: credit, signature: 'classify' },
  { operation: 'Regress', model: credit, signature: 'regress' },
  { operation: 'MultiInference', tasks: [classify(credit), regress(credit)] },
  { operation: 'GetModelMetadata', model: credit },
  { operation: 'GetModelStatus', model: credit },
];

export const refusals: readonly GrpcRefusal[] = [
  { title: 'no token', as: 'nobody', call: predictProd, code: 'UNAUTHENTICATED' },
  { title: 'no token, with 5 MB', as: 'nobody', call: { ...predictProd, size: 5_000_000 }, code: 'UNAUTHENTICATED' },
  { title: 'a token that is none', as: 'garbage', call: predictProd, code: 'UNAUTHENTICATED' },
  { title: 'someone known whom no rule allows', as: 'alice', call: predictProd, code: 'PERMISSION_DENIED' },
  ...onForbidden.map((call) => ({
    title: `${call.operation} of a model that is not the scorer’s, ${call.size ?? 8} bytes`,
    as: 'scorer' as const,
    call,
    code: 'PERMISSION_DENIED',
  })),
  {
    title: 'MultiInference with one forbidden task, the last',
    as: 'scorer',
    call: { operation: 'MultiInference', tasks: [classify(prod), regress(credit)] },
    code: 'INVALID_ARGUMENT',
  },
  {
    title: 'MultiInference with one forbidden task, the first',
    as: 'scorer',
    call: { operation: 'MultiInference', tasks: [classify(credit), regress(prod)] },
    code: 'INVALID_ARGUMENT',
  },
  {
    title: 'MultiInference of two versions',
    as: 'lead',
    call: {
      operation: 'MultiInference',
      tasks: [
        { ...classify(prod), version: 1 },
        { ...regress(prod), version: 2 },
      ],
    },
    code: 'INVALID_ARGUMENT',
  },
  {
    title: 'MultiInference of nothing',
    as: 'lead',
    call: { operation: 'MultiInference', tasks: [] },
    code: 'INVALID_ARGUMENT',
  },
  {
    title: 'HandleReloadConfigRequest, by one who infers',
    as: 'scorer',
    call: { operation: 'HandleReloadConfigRequest', labels, models: '' },
    code: 'PERMISSION_DENIED',
  },
  {
    title: 'HandleReloadConfigRequest, by one to whom `any` is allowed',
    as: 'writer',
    call: { operation: 'HandleReloadConfigRequest', labels, models: '' },
    code: 'PERMISSION_DENIED',
  },
  {
    title: 'a model that the policy does not name',
    as: 'lead',
    call: { operation: 'Predict', model: 'nobody' },
    code: 'PERMISSION_DENIED',
  },
  { title: 'no model', as: 'lead', call: { operation: 'Predict' }, code: 'INVALID_ARGUMENT' },
  {
    title: 'a method that the service does not have',
    as: 'lead',
    call: { operation: 'Raw', method: `${predictMethod}s`, message: '' },
    code: 'PERMISSION_DENIED',
  },
  {
    title: 'a compressed request, whose model cannot be read',
    as: 'scorer',
    call: { ...predictProd, size: 4000, compression: 'gzip' },
    code: 'UNIMPLEMENTED',
  },
];
