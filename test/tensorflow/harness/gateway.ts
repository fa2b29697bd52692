import { startProvider } from '../../../demo/provider.ts';
import { machineToken, personToken } from '../../../demo/sign-in.ts';
import type { EngineName } from '../../../src/plan/types.ts';
import { type Audited, FaultGateway } from '../../faults/harness/gateway.ts';
import type { ModelServer } from './server.ts';

/**
 * The scorer has one model to infer with; the writer may do everything with every model, and only leads may also reload the
 * configuration of the server; alice is known, and nothing is allowed to her.
 */
export const policy = [
  'version: 1',
  'identity: { staff: { oidc: { audience: headgate, groupsClaim: groups } } }',
  'groups:',
  '  scorers: [ { staff: { client: batch-scorer } } ]',
  '  writers: [ { staff: { client: report-writer } } ]',
  '  leads: [ { staff: { group: finance-leads } } ]',
  'services: { scoring: { protocol: tensorflow-serving, models: [finance-prod, finance-credit] } }',
  'rules:',
  '  - name: the scorer infers with its own model',
  '    allow: scorers',
  '    to: [predict, classify, regress, multi-inference, metadata, status]',
  '    at: scoring/finance-prod',
  '    versions: any',
  '  - { name: everything with every model, allow: [writers, leads], to: any, at: "scoring/**", versions: any }',
  '  - { name: leads reload the configuration, allow: leads, to: reload-config, at: "scoring/**" }',
  '',
].join('\n');

export interface Tokens {
  /** The machine `batch-scorer`. */
  readonly scorer: string;
  /** The machine `report-writer`. */
  readonly writer: string;
  /** Of the group finance-leads. */
  readonly lead: string;
  /** Whom no rule allows anything. */
  readonly alice: string;
}

/** What differs from the plain passage. */
export interface PassageWords {
  readonly policy?: string;
  /** Versions of models, as one line of YAML. */
  readonly models?: string;
  /** `{ every: 300ms }` */
  readonly health?: string;
}

/** `headgate up` before a model server, with a real OpenID Provider and its tokens. */
export class Passage {
  readonly issuer: string;
  readonly tokens: Tokens;
  readonly #gateway: FaultGateway;
  readonly #opened: AsyncDisposableStack;

  private constructor(
    gateway: FaultGateway,
    { issuer, tokens }: Pick<Passage, 'issuer' | 'tokens'>,
    opened: AsyncDisposableStack,
  ) {
    this.#gateway = gateway;
    this.#opened = opened;
    this.issuer = issuer;
    this.tokens = tokens;
  }

  static async open(engine: EngineName, server: ModelServer, words: PassageWords = {}): Promise<Passage> {
    await using undo = new AsyncDisposableStack();
    const provider = undo.adopt(await startProvider(0), (it) => it.close());
    const gateway = await FaultGateway.make({
      engine,
      policy: words.policy ?? policy,
      bindings: [
        `identity: { staff: { issuer: "${provider.issuer}" } }`,
        'services:',
        '  scoring:',
        `    endpoints: [ { rest: 127.0.0.1:${server.restPort}, grpc: 127.0.0.1:${server.grpcPort} } ]`,
        ...(words.models === undefined ? [] : [`    models: ${words.models}`]),
        ...(words.health === undefined ? [] : [`    health: ${words.health}`]),
      ],
    });
    undo.defer(() => gateway.remove());
    undo.defer(() => gateway.stop());
    await gateway.start();
    const { issuer } = provider;
    const tokens = {
      scorer: await machineToken(issuer, 'batch-scorer'),
      writer: await machineToken(issuer, 'report-writer'),
      lead: await personToken(issuer, 'lena'),
      alice: await personToken(issuer, 'alice'),
    };
    return new Passage(gateway, { issuer, tokens }, undo.move());
  }

  /** `127.0.0.1:8080`, for REST and gRPC alike. */
  get target(): string {
    return `127.0.0.1:${this.#gateway.port}`;
  }

  /** Ends the gateway, so that all is written, and reads its audit. */
  async stopAndAudit(): Promise<Audited> {
    await this.#gateway.stop();
    return this.#gateway.audited();
  }

  close(): Promise<void> {
    return this.#opened.disposeAsync();
  }
}
