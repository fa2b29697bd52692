/** The signed assertion of who calls, as a gateway sends it to a service and a service may pass it on. */
export const assertionHeader = 'x-headgate-assertion';
/** Earlier assertions that it was made from, the oldest first, with commas in between. */
export const chainHeader = 'x-headgate-chain';
