import type { OperationRow } from './table.ts';

/**
 * TensorFlow Serving's REST interface. Its own server matches paths without regard to case; here one path has one form.
 * Labels are never the server's own: they are resolved to numbers.
 */
export const tensorflowServing: readonly OperationRow[] = [
  row('predict', 'POST', '/v1/models/{model}[/versions/{version}|/labels/{label}]:predict'),
  row('classify', 'POST', '/v1/models/{model}[/versions/{version}|/labels/{label}]:classify'),
  row('regress', 'POST', '/v1/models/{model}[/versions/{version}|/labels/{label}]:regress'),
  row('status', 'GET', '/v1/models/{model}[/versions/{version}|/labels/{label}]'),
  row('metadata', 'GET', '/v1/models/{model}[/versions/{version}|/labels/{label}]/metadata'),
];

/** Every operation is named like its action, and none changes anything: all may be sent again. */
function row(name: string, method: string, path: string): OperationRow {
  return { name, action: name, method, path, resource: ['model'], safe: true };
}
