/** People and machines of the demo. Whoever runs the demo can be any of them: it listens on loopback only. */
export const people: Readonly<Record<string, readonly string[]>> = {
  alice: ['ml-data-scientists'],
  bob: [],
  lena: ['finance-leads'],
};

/** Client ids; each one's secret is `demo-` and its id. */
export const machines: readonly string[] = ['batch-scorer', 'report-writer'];

export function machineSecret(client: string): string {
  return `demo-${client}`;
}

/** The client through which people sign in: public, with PKCE. */
export const peoplesClient = { id: 'headgate-demo', redirectUri: 'http://127.0.0.1/signed-in' } as const;
