/** HG10xx: the text itself, before its meaning. */
export const textCodes = {
  HG1000: {
    title: 'more diagnostics than are shown',
    meaning: 'One run shows a bounded number of diagnostics. Mend the ones shown and run again.',
  },
  HG1001: {
    title: 'file too large',
    meaning:
      'A policy or environment file is at most 4 MiB with a million words and marks, so that reading one can never exhaust the machine.',
  },
  HG1002: {
    title: 'not well-formed YAML',
    meaning:
      'The text is not YAML 1.2. Where the structure itself is broken, only this is reported: what follows would be guesswork.',
  },
  HG1003: {
    title: 'doubtful YAML',
    meaning:
      'The YAML reader warns of something that it reads one way and a person or another reader may read another way.',
  },
  HG1004: {
    title: 'duplicate key',
    meaning: 'A key stands twice in one map. YAML readers differ in which one counts, so neither does.',
  },
  HG1005: {
    title: 'anchor, alias or merge key',
    meaning:
      'Anchors (`&`), aliases (`*`) and merge keys (`<<`) make one line of access stand for several. Access is written out where it holds.',
  },
  HG1006: { title: 'tag', meaning: 'Tags (`!`) change what a value is. Every value here is what it looks like.' },
  HG1007: {
    title: 'several documents',
    meaning: 'A file holds one document. A second one after `---` would be easy to miss, so it is an error.',
  },
  HG1008: { title: 'tab as indentation', meaning: 'YAML is indented by spaces only.' },
  HG1009: {
    title: 'byte order mark or wrong encoding',
    meaning: 'Files are UTF-8 without a byte order mark.',
  },
  HG1010: {
    title: 'nested too deeply',
    meaning: 'No policy or environment needs more than a few levels; deeper nesting is refused before it is read.',
  },
  HG1011: {
    title: 'invisible character',
    meaning:
      'Control characters and characters that reorder text could make a policy read differently from what it says.',
  },
  HG1012: {
    title: 'key is not a plain name',
    meaning: 'Keys are single words or names, never lists, maps, numbers or nothing.',
  },
  HG1013: { title: 'empty file', meaning: 'The file holds nothing but white space and comments.' },
  HG1014: {
    title: 'word that readers of YAML take for something else',
    meaning:
      'Without quotes, older YAML readers take words such as `yes` and `off` for true and false, `0755` for an octal number and `1:30` for a time. Quote it, so that it is a name to every reader.',
  },
  HG1015: {
    title: 'YAML directive',
    meaning:
      'Lines that start with `%` (such as `%YAML 1.1`) change how the file is read. It is always read as YAML 1.2.',
  },
} as const;
