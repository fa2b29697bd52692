import { printableLine } from '../std/invisible.ts';
import type { TopFigures, TopStatus } from './top-figures.ts';

/** One line of a frame, and how it is shown. */
export interface TopLine {
  readonly text: string;
  readonly tone?: 'strong' | 'bad' | 'dim';
}

export interface FrameOptions {
  readonly columns: number;
  readonly rows: number;
  /** Between two looks. */
  readonly seconds: number;
  readonly nowMs: number;
  /** Why what is shown is of earlier. */
  readonly fault?: string;
  /** What ends it; left out where it ends by itself. */
  readonly keys?: string;
}

/** A table of the frame. */
interface Section {
  readonly head: readonly string[];
  /** Columns whose values stand to the right. */
  readonly numbers: readonly number[];
  readonly rows: readonly { readonly cells: readonly string[]; readonly isBad: boolean }[];
}

/** One frame: at most as many lines as there are rows, none wider than the screen. */
export function topFrame(figures: TopFigures, status: TopStatus, options: FrameOptions): TopLine[] {
  const { columns, rows, fault, keys } = options;
  const head = [
    ...headLines(figures, status, options),
    ...(fault === undefined ? [] : [{ text: fault, tone: 'bad' } as const]),
  ];
  const foot: TopLine[] = keys === undefined ? [] : [{ text: keys, tone: 'dim' }];
  const room = rows - head.length - foot.length;
  const sections = sectionsOf(figures).filter((section) => section.rows.length > 0);
  const body = bodyLines(sections.slice(0, Math.max(1, Math.floor(room / sectionRowsMin))), room);
  return [...head, ...body, ...foot]
    .slice(0, Math.max(1, rows))
    .map((line) => ({ ...line, text: cut(line.text, columns) }));
}

function headLines(figures: TopFigures, status: TopStatus, { seconds, nowMs }: FrameOptions): TopLine[] {
  const { version, environment, engine, epoch, ready, reason, startedAt, reload, audit } = status;
  const state = ready ? 'ready' : `NOT READY: ${reason ?? 'unknown'}`;
  const since = upTime(nowMs - Date.parse(startedAt));
  const rejected = reload?.outcome === 'rejected';
  const files = rejected ? `files REJECTED, epoch ${epoch} stays: ${reload.message}` : `files in force, epoch ${epoch}`;
  const recording = audit.state === 'ok' ? `lag ${lag(figures.lagSeconds)}` : `FAILING: ${audit.reason ?? 'unknown'}`;
  return [
    {
      text: `headgate ${version}  ${environment} on ${engine}  ${state}  up ${since}  over ${Number(seconds.toFixed(1))} s`,
      tone: ready ? 'strong' : 'bad',
    },
    {
      text: `calls ${number(figures.calls)}/s  failed ${number(figures.failed)}/s  refused ${number(figures.refused)}/s  gate asked ${number(figures.questions)}/s  kept ${figures.kept}  own CPU ${figures.cpu.toFixed(2)} cores`,
    },
    { text: `audit ${recording}`, ...(audit.state !== 'ok' && { tone: 'bad' as const }) },
    { text: files, ...(rejected && { tone: 'bad' as const }) },
  ];
}

function sectionsOf({ models, refusals, queues, streams, replicas }: TopFigures): Section[] {
  return [
    {
      head: ['SERVICE', 'MODEL', 'VERSION', 'CALLS/s', 'FAILED/s', 'REFUSED/s', 'P50', 'P99'],
      numbers: [3, 4, 5, 6, 7],
      rows: models.map(({ service, model, version, calls, failed, refused, p50, p99 }) => ({
        cells: [...[service, model, version].map(named), ...[calls, failed, refused].map(number), time(p50), time(p99)],
        isBad: failed > 0,
      })),
    },
    {
      head: ['REFUSED BECAUSE', 'RULE', '/s', 'SINCE START'],
      numbers: [2, 3],
      rows: refusals.map(({ reason, rule, rate, total }) => ({
        cells: [reason, named(rule), number(rate), String(total)],
        isBad: false,
      })),
    },
    {
      head: ['QUEUE OF', 'MODEL', 'WAITING', 'IN FLIGHT'],
      numbers: [2, 3],
      rows: queues.map(({ service, model, inFlight, waiting }) => ({
        cells: [service, model === '' ? 'all' : model, String(waiting), String(inFlight)],
        isBad: false,
      })),
    },
    {
      head: ['REPLICA OF', 'ADDRESS', 'STATE', 'IN FLIGHT', 'VERSIONS AWAITED'],
      numbers: [3, 4],
      rows: replicas.map(({ service, endpoint, state, inFlight, awaited }) => ({
        cells: [service, endpoint, state, String(inFlight), String(awaited)],
        isBad: state !== 'up',
      })),
    },
    {
      head: ['STREAMS OF', 'OPEN', 'MESSAGES IN/s', 'OUT/s'],
      numbers: [1, 2, 3],
      rows: streams.map(({ service, open, messagesIn, messagesOut }) => ({
        cells: [service, String(open), number(messagesIn), number(messagesOut)],
        isBad: false,
      })),
    },
  ];
}

/** A section has an empty line, a head, and at least two rows: the last ones are left out where there is no room for that. */
const sectionRowsMin = 4;

/** Each section gets its share of the room; what doesn't fit is counted. */
function bodyLines(sections: readonly Section[], room: number): TopLine[] {
  const shown = roomFor(
    sections.map(({ rows }) => rows.length),
    room - 2 * sections.length,
  );
  return sections.flatMap((section, index) => {
    const [head = '', ...rows] = aligned(section);
    const count = shown[index] ?? 0;
    if (count === 0) return [];
    const left = rows.length - count;
    const fit = left > 0 ? count - 1 : count;
    const lines = rows
      .slice(0, fit)
      .map((text, at) => ({ text, ...(section.rows[at]?.isBad && { tone: 'bad' as const }) }));
    const more: TopLine[] = left > 0 ? [{ text: `… ${rows.length - fit} more`, tone: 'dim' }] : [];
    return [{ text: '' }, { text: head, tone: 'strong' as const }, ...lines, ...more];
  });
}

/** One line after the other, as long as there is room. */
function roomFor(wanted: readonly number[], room: number): number[] {
  const given = wanted.map(() => 0);
  for (let left = room, gave = true; left > 0 && gave; ) {
    gave = false;
    for (const [index, want] of wanted.entries()) {
      if (left === 0 || (given[index] ?? 0) >= want) continue;
      given[index] = (given[index] ?? 0) + 1;
      left -= 1;
      gave = true;
    }
  }
  return given;
}

/** Columns as wide as their widest value. */
function aligned({ head, numbers, rows }: Section): string[] {
  const all = [head, ...rows.map(({ cells }) => cells.map((cell) => shortened(printableLine(cell))))];
  const widths = head.map((_, column) => Math.max(...all.map((cells) => [...(cells[column] ?? '')].length)));
  return all.map((cells) =>
    cells
      .map((cell, column) => {
        const gap = ' '.repeat(Math.max(0, (widths[column] ?? 0) - [...cell].length));
        return numbers.includes(column) ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd(),
  );
}

const cellCharactersMax = 44;

function shortened(text: string): string {
  return cut(text, cellCharactersMax);
}

function cut(text: string, columns: number): string {
  const plain = [...printableLine(text)];
  return plain.length <= columns ? plain.join('') : `${plain.slice(0, Math.max(0, columns - 1)).join('')}…`;
}

/** What has no name of its own. */
function named(text: string): string {
  return text === '' ? '-' : text;
}

function number(value: number): string {
  if (value === 0) return '0';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function time(seconds: number | undefined): string {
  if (seconds === undefined) return '-';
  return seconds >= 1 ? `${seconds.toFixed(2)} s` : `${(seconds * 1000).toFixed(seconds >= 0.1 ? 0 : 1)} ms`;
}

function lag(seconds: number): string {
  return seconds >= 1 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds * 1000)} ms`;
}

function upTime(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000));
  const [minutes, hours] = [Math.floor(seconds / 60), Math.floor(seconds / 3600)];
  if (minutes < 1) return `${seconds} s`;
  if (hours < 1) return `${minutes} min`;
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}
