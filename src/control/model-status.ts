import type { Found } from '../traffic/index.ts';

/**
 * Reads the answer to `GET /v1/models/{model}` (https://www.tensorflow.org/tfx/serving/api_rest#model_status_api). 404 with a JSON
 * object is an answer, too: the replica lives, and doesn't have the model.
 */
export function readModelStatus(status: number, body: string): Found {
  const value = parsed(body);
  if (status === 404 && value !== undefined) return { kind: 'missing' };
  if (status !== 200) return failed(`it answers ${status}`);
  const list = value?.model_version_status;
  if (!Array.isArray(list)) return failed('its answer is no model status');
  const states = new Map<string, string>();
  for (const each of list as unknown[]) {
    if (!isRecord(each)) return failed('its answer is no model status');
    states.set(String(each.version), String(each.state));
  }
  return { kind: 'states', states };
}

function failed(why: string): Found {
  return { kind: 'failed', why, isGone: false };
}

function parsed(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
