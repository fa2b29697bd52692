import { type Coverage, coverageOf, type TestRun, type TriedCase, type TriedTest } from '../trials/index.ts';
import { counted } from './counted.ts';
import { rulesText } from './explain-text.ts';
import { callerWords, cameWords, caseWords, expectedWords } from './test-words.ts';

/** Failing cases of one test that are shown whole. */
const casesShownMax = 5;
/** Rules that no test reaches, listed. */
const unreachedShownMax = 50;

/** What came of all tests, as a person reads it: each failing one with its reasons, then the counts and the coverage. */
export function testText(run: TestRun, minPercent: number): string {
  const failed = run.tests.filter(({ passed }) => !passed);
  const passed = run.tests.length - failed.length;
  const lines = run.tests.flatMap((each) =>
    each.passed ? [`✓ ${each.test.name.value}`] : failedLines(each, run.file),
  );
  const coverage = coverageOf(run);
  return `${[...lines, '', ...coverageLines(coverage, minPercent), `${passed} passed, ${failed.length} failed`].join('\n')}\n`;
}

function failedLines({ test, cases }: TriedTest, file: string): string[] {
  const failed = cases.filter(({ passed }) => !passed);
  const shown = failed.slice(0, casesShownMax);
  const hidden = failed.length - shown.length;
  return [
    `✗ ${test.name.value}  (${file}:${test.span.line})`,
    ...shown.flatMap((each) => caseLines(each, callerWords(test))),
    ...(hidden > 0 ? [`    and ${counted(hidden, 'more failing case')}`] : []),
  ];
}

function caseLines(tried: TriedCase, caller: string): string[] {
  const rules = rulesText(tried.explained, tried.rule?.index).map((line) => `    ${line}`);
  return [
    `    ${caseWords(tried)}, as ${caller}`,
    `      expected  ${expectedWords(tried.expected)}`,
    `      came      ${cameWords(tried)}`,
    ...missing(tried),
    ...rules,
  ];
}

/** What the expected rule lacks, told by itself: in a long policy it may be far down. */
function missing({ expected, explained, rule }: TriedCase): string[] {
  if (expected.kind === 'denied' || expected.rule.value === rule?.name) return [];
  const wanted = explained.find((each) => each.rule.name === expected.rule.value);
  if (wanted === undefined || wanted.lacks.length === 0) return [];
  return [`      because   ${wanted.lacks.join('; ')}`];
}

function coverageLines({ reached, rules, percent, byRule }: Coverage, minPercent: number): string[] {
  const unreached = byRule.filter(({ cases }) => cases === 0);
  const shown = unreached.slice(0, unreachedShownMax);
  const hidden = unreached.length - shown.length;
  const wanted = percent < minPercent ? `, and ${minPercent} % are asked for` : '';
  return [
    `${reached} of ${counted(rules, 'rule')} reached (${percent} %)${wanted}`,
    ...shown.map(({ name, file, line }) => `  no test reaches “${name}” (${file}:${line})`),
    ...(hidden > 0 ? [`  and ${hidden} more`] : []),
  ];
}
