import type { OperationRow } from './table.ts';

/**
 * TensorFlow Serving's REST interface. Its own server matches paths without regard to case; here one path has one form.
 * Labels are the server's own names for versions and are not offered.
 */
export const tensorflowServing: readonly OperationRow[] = [
  row('predict', 'POST', '/v1/models/{model}[/versions/{version}]:predict'),
  row('classify', 'POST', '/v1/models/{model}[/versions/{version}]:classify'),
  row('regress', 'POST', '/v1/models/{model}[/versions/{version}]:regress'),
  row('status', 'GET', '/v1/models/{model}[/versions/{version}]'),
  row('metadata', 'GET', '/v1/models/{model}[/versions/{version}]/metadata'),
];

/** Every operation is named like its action, and none changes anything: all may be sent again. */
function row(name: string, method: string, path: string): OperationRow {
  return { name, action: name, method, path, resource: ['model'], safe: true };
}
