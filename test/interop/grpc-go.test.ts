import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { openedHere } from '../support/opened.ts';
import { type GoServer, goClientFails, startGoServer } from './harness/grpc-go.ts';
import { goCases } from './harness/grpc-go-cases.ts';

describe("grpc-go's interop client to its own server", () => {
  const opened = openedHere();
  let server: GoServer;

  before(async () => {
    server = opened.adopt(await startGoServer(), (it) => it.close());
  });

  test('passes every case', async () => {
    for (const { name, more } of goCases) assert.equal(await goClientFails(name, server, more), undefined);
  });
});
