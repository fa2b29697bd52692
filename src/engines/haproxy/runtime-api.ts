import { connect, type Socket } from 'node:net';

/** Longest wait for an answer of the Runtime API. */
const answerMsMax = 5000;
/** Characters of a command with its payload; HAProxy takes what fits its buffer. */
export const commandCharactersMax = 16_000;
const prompt = '\n> ';

/** A command that HAProxy did not take, or an answer that did not come. */
export class RuntimeApiError extends Error {
  override readonly name = 'RuntimeApiError';
  readonly code = 'haproxy-runtime-api';
}

interface Turn {
  readonly command: string;
  readonly resolve: (answer: string) => void;
  readonly reject: (error: Error) => void;
}

/**
 * HAProxy's Runtime API (management.txt, section 9.3) over one connection that stays open: commands are sent one after the
 * other, each when the answer before it has come.
 */
export class RuntimeApi {
  readonly #path: string;
  readonly #waiting: Turn[] = [];
  #socket: Socket | undefined;
  #isBrief = false;
  #current: Turn | undefined;
  #timer: NodeJS.Timeout | undefined;
  #answer = '';
  /** Answers that nobody asked for. */
  #skip = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Sends one command line (with its payload, if it has one) and gives the answer without white space around it. */
  ask(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ command, resolve, reject });
      this.#next();
    });
  }

  /** The same where HAProxy answers nothing when it has done it. */
  async order(command: string): Promise<void> {
    const answer = await this.ask(command);
    if (answer !== '') throw new RuntimeApiError(`${command.split('\n')[0]}: ${answer}`);
  }

  /**
   * Gives several orders at once, over a connection of their own: HAProxy takes them one right after the other. The answers to those
   * that are answered. None: nothing is sent.
   */
  async batch(commands: readonly string[]): Promise<string[]> {
    const answers: string[] = [];
    for (let at = 0; at < commands.length; ) {
      let line = '';
      for (; at < commands.length && line.length < commandCharactersMax; at += 1) line += `${commands[at]};`;
      // What stands behind the last `;` would be one order more.
      answers.push(...(await exchange(this.#path, line.slice(0, -1))).split('\n'));
    }
    return answers.map((each) => each.trim()).filter((each) => each !== '');
  }

  /**
   * Asks what has a long answer, over a connection of its own, so that nothing else waits for it. A process that drains takes no further
   * ones, and has little else to do.
   */
  read(command: string): Promise<string> {
    return exchange(this.#path, command).catch(() => this.ask(command));
  }

  /** Gives such orders as `order` does, and all of them: the answers to those that are answered. */
  async each(commands: readonly string[]): Promise<string[]> {
    const answers: string[] = [];
    for (const command of commands) answers.push(await this.ask(command));
    return answers.filter((each) => each !== '');
  }

  /** From now on the connection is ended whenever nothing waits: HAProxy does not go while one is open. */
  beBrief(): void {
    this.#isBrief = true;
    if (this.#current === undefined) this.#hangUp();
  }

  /** Ends the connection; what still waits is rejected. */
  close(): void {
    this.#fail(new RuntimeApiError('closed'));
  }

  #next(): void {
    if (this.#current !== undefined) return;
    const turn = this.#waiting.shift();
    if (turn === undefined) {
      if (this.#isBrief) this.#hangUp();
      return;
    }
    this.#current = turn;
    this.#timer = setTimeout(() => this.#fail(new RuntimeApiError('no answer')), answerMsMax);
    this.#connected().write(`${turn.command}\n`);
  }

  /** The first two answers on a connection are to its own set-up. */
  #connected(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    const socket = connect(this.#path);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', (error) => this.#lost(socket, error));
    socket.on('close', () => this.#lost(socket, new RuntimeApiError('connection closed')));
    socket.unref();
    this.#socket = socket;
    this.#skip = 2;
    this.#answer = '';
    socket.write('prompt\nexperimental-mode on\n');
    return socket;
  }

  #read(text: string): void {
    // A long answer is searched once.
    const from = Math.max(0, this.#answer.length - prompt.length);
    this.#answer += text;
    for (let end = this.#answer.indexOf(prompt, from); end >= 0; end = this.#answer.indexOf(prompt)) {
      const answer = this.#answer.slice(0, end);
      this.#answer = this.#answer.slice(end + prompt.length);
      if (this.#skip > 0) this.#skip -= 1;
      else this.#settle(answer);
    }
  }

  #settle(answer: string): void {
    const turn = this.#current;
    clearTimeout(this.#timer);
    this.#current = undefined;
    turn?.resolve(answer.replaceAll(/(^|\n)(\+ )+/g, '$1').trim());
    this.#next();
  }

  #lost(socket: Socket, error: Error): void {
    if (this.#socket === socket) this.#fail(error);
  }

  #hangUp(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
  }

  #fail(error: Error): void {
    clearTimeout(this.#timer);
    const turns = [...(this.#current === undefined ? [] : [this.#current]), ...this.#waiting.splice(0)];
    this.#hangUp();
    this.#current = undefined;
    for (const turn of turns) turn.reject(error);
  }
}

/** One line, without prompts: HAProxy ends the connection behind the last answer. */
function exchange(path: string, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(path);
    socket.setEncoding('latin1');
    socket.setTimeout(answerMsMax, () => socket.destroy(new RuntimeApiError('no answer')));
    socket.on('data', (text: string) => {
      answer += text;
    });
    socket.once('error', reject);
    socket.once('close', () => resolve(answer));
    socket.write(`${line}\n`);
  });
}
