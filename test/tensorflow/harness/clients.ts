import { tensorFlowProgram } from './python.ts';

export interface RestCall {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text is sent as it is. */
  readonly body?: object | string;
}

export interface RestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Read as JSON where it is. */
  readonly body: unknown;
}

/** Python's `requests`. */
export class RestClient {
  readonly #program = tensorFlowProgram('rest_client.py');

  async send(call: RestCall): Promise<RestAnswer> {
    return (await this.#program.ask(call)) as RestAnswer;
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }
}

interface SpecWords {
  readonly model?: string;
  readonly version?: number;
  readonly label?: string;
  readonly signature?: string;
}

/** A call as `../python/grpc_client.py` says it. */
export interface GrpcCall extends SpecWords {
  readonly operation:
    | 'Predict'
    | 'Classify'
    | 'Regress'
    | 'MultiInference'
    | 'GetModelMetadata'
    | 'GetModelStatus'
    | 'HandleReloadConfigRequest'
    | 'Raw';
  readonly size?: number;
  readonly value?: number;
  readonly timeoutMs?: number;
  readonly receiveMax?: number;
  readonly compression?: 'gzip' | 'deflate';
  readonly metadata?: Readonly<Record<string, string>>;
  readonly tasks?: readonly (SpecWords & { readonly method: 'classify' | 'regress' | 'predict' })[];
  readonly labels?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly models?: string;
  readonly method?: string;
  /** Base64. */
  readonly message?: string;
}

export interface GrpcOutcome {
  /** gRPC's name of the status: `OK`, `PERMISSION_DENIED`. */
  readonly code: string;
  readonly details: string;
  readonly response: unknown;
  readonly initial: Readonly<Record<string, string>>;
  readonly trailing: Readonly<Record<string, string>>;
}

/** Python's official stubs of `tensorflow-serving-api`. */
export class GrpcClient {
  readonly #program = tensorFlowProgram('grpc_client.py');

  async send(target: string, call: GrpcCall, token?: string): Promise<GrpcOutcome> {
    return (await this.#program.ask({ ...call, target, ...(token !== undefined && { token }) })) as GrpcOutcome;
  }

  stop(): Promise<void> {
    return this.#program.stop();
  }
}
