import type { Permit } from '../../gate/index.ts';
import { walkOf } from '../../protocols/index.ts';
import { carriedText, type HowCarried } from '../assisted-fields.ts';
import { AssistedExchange, AssistedStreamExchange } from './assisted-exchange.ts';
import { Call } from './call.ts';
import type { Ending } from './ending.ts';
import { GrpcCall } from './grpc-call.ts';
import { HandedCall, type Redeemer } from './handed-call.ts';
import type { HandedStreams } from './handed-streams.ts';
import type { Arriving, Scene } from './scene.ts';
import { StreamCall } from './stream-call.ts';

/** Makes calls of what another engine hands over: decided, limited and recorded there, and only carried here. */
export function assistedCalls(redeemer: Redeemer, open: HandedStreams): Scene['makeCall'] {
  return (scene, { listener, ...arriving }: Arriving) => {
    const handed = new HandedCall(arriving.exchange, scene.clock.now());
    if (arriving.isGrpc && redeemer.redeem(handed.pass)?.fields.operation.protocol === 'grpc') {
      const exchange = new AssistedStreamExchange(arriving.exchange, handed.address);
      return new AssistedStreamCall({ scene, listener, exchange, handed, redeemer }, open);
    }
    const exchange = new AssistedExchange(arriving.exchange, handed.address);
    const made = { scene, listener, exchange, handed, redeemer };
    return arriving.isGrpc ? new AssistedGrpcCall(made) : new AssistedCall(made);
  };
}

interface Made {
  readonly scene: Scene;
  readonly listener: string;
  readonly exchange: AssistedExchange;
  readonly handed: HandedCall;
  readonly redeemer: Redeemer;
}

/** INVARIANT: nothing is carried without the permit that the pass was redeemed for. */
class AssistedCall extends Call {
  readonly #made: Made;

  constructor(made: Made) {
    super(made.scene, made.listener, made.exchange, made.handed);
    this.#made = made;
    made.exchange.howCarried = () => carriedText(this.soFar);
  }

  protected override begin(): void {
    const { redeemer, handed } = this.#made;
    const permit = redeemer.redeem(handed.pass);
    if (permit === undefined || permit.fields.operation.grpc === true) this.refuse('gate-unavailable');
    else this.letGo(permit, handed);
  }

  protected override write(ending: Ending): void {
    noteTo(this.#made, this.soFar, ending);
    this.recorded(true);
  }
}

/** The same of gRPC. The message is walked here, too: what it names has to be what the pass was given for. */
class AssistedGrpcCall extends GrpcCall {
  readonly #made: Made;
  #permit: Permit | undefined;

  constructor(made: Made) {
    super(made.scene, made.listener, made.exchange, made.handed);
    this.#made = made;
    made.exchange.howCarried = () => carriedText(this.soFar);
  }

  protected override begin(): void {
    const { redeemer, handed } = this.#made;
    this.message = {};
    this.#permit = redeemer.redeem(handed.pass);
    const { operation, upstreamPath } = this.#permit?.fields ?? {};
    const kind = operation?.grpc === true && upstreamPath !== undefined ? walkOf(upstreamPath) : undefined;
    if (kind === undefined || kind === 'stream') this.refuse('gate-unavailable');
    else if (!this.readPatience()) this.refuse('request-malformed');
    else this.read(kind);
  }

  protected override ask(): void {
    const permit = this.#permit as Permit;
    const { model, version, label, versionBy } = permit.fields.operation;
    const named = this.message ?? {};
    const isSame = named.model === model && named.label === label;
    const isVersion = named.version === (versionBy === 'number' ? version : undefined);
    if (isSame && isVersion) this.letGo(permit, this.#made.handed);
    else this.refuse('gate-fault');
  }

  protected override write(ending: Ending): void {
    noteTo(this.#made, this.soFar, ending);
    this.recorded(true);
  }
}

/** The same where the messages pass as they come. */
class AssistedStreamCall extends StreamCall {
  readonly #made: Made;
  readonly #open: HandedStreams;

  constructor(made: Made & { readonly exchange: AssistedStreamExchange }, open: HandedStreams) {
    super(made.scene, made.listener, made.exchange, made.handed);
    this.#made = made;
    this.#open = open;
    made.exchange.howCarried = () => carriedText(this.soFar);
  }

  protected override begin(): void {
    const { redeemer, handed } = this.#made;
    const permit = redeemer.redeem(handed.pass);
    if (permit === undefined) this.refuse('gate-unavailable');
    else if (!this.readPatience()) this.refuse('request-malformed');
    else {
      this.#open.add(handed.requestId, this);
      this.letGo(permit, handed);
    }
  }

  protected override write(ending: Ending): void {
    this.#open.delete(this.#made.handed.requestId);
    noteTo(this.#made, this.soFar, ending);
    this.recorded(true);
  }
}

/** The engine that handed over writes the line. */
function noteTo({ exchange }: Made, soFar: HowCarried, ending: Ending): void {
  const { endpoint = soFar.endpoint, tries = soFar.tries } = ending;
  exchange.howCarried = () => carriedText({ ...soFar, ...ending, endpoint, tries });
}
