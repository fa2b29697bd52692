/** HG13xx: what only an environment can get wrong. */
export const environmentCodes = {
  HG1301: {
    title: 'access in an environment',
    meaning:
      'Rules and groups belong into the policy: an environment binds names to addresses and never changes who has access.',
  },
  HG1302: {
    title: 'malformed address',
    meaning: 'An address is a host, a colon and a port: `127.0.0.1:8080`, `[::1]:8080`, `models.internal:8501`.',
  },
  HG1303: {
    title: 'cleartext off loopback',
    meaning:
      'A listener without `tls`, and the admin address, are bound to loopback (127.0.0.0/8, ::1, localhost): credentials never cross a network in the clear.',
  },
  HG1304: {
    title: 'bad issuer',
    meaning: 'An issuer is an https URL without query, fragment or user (OpenID Connect Discovery 1.0, section 4).',
  },
  HG1305: {
    title: 'issuer without TLS',
    meaning: 'An http issuer is accepted on loopback only: whoever can change its answer can be anyone.',
  },
  HG1306: {
    title: 'address used twice',
    meaning: 'Two listeners, or a listener and the admin address, cannot share an address.',
  },
  HG1307: {
    title: 'bad route',
    meaning:
      'A route matches a host (a DNS name or IP address, no port) or a path prefix of whole segments (`/prefect/**`), or both.',
  },
  HG1308: {
    title: 'route never reached',
    meaning: 'Routes are tried in order; one that follows a route which already matches all it could is never reached.',
  },
  HG1309: {
    title: 'bad path',
    meaning: 'The path of a file or folder holds a control character, or is a reference of another kind (`env:`).',
  },
  HG1310: {
    title: 'bad share',
    meaning: 'A share is percent with at most four decimals, from `0%` to `100%`.',
  },
  HG1311: {
    title: 'bad size',
    meaning:
      'A size is a whole number and `kB`, `MB` or `GB` (each 1,024 times the one before), within what engines can keep.',
  },
  HG1313: {
    title: 'bad gateway',
    meaning:
      'Another gateway is known by the issuer of its assertions (`urn:headgate:` and the name of its environment) and the https URL of its key set; http on loopback only.',
  },
  HG1312: {
    title: 'bad collector',
    meaning:
      'A collector of spans is the URL of an OTLP receiver over HTTP, without `/v1/traces`, user, query or fragment: https, or http on loopback.',
  },
} as const;
