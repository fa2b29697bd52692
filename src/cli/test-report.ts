import { coverageOf, type TestRun, type TriedCase, type TriedTest } from '../trials/index.ts';
import { callerWords, cameWords, caseWords, expectedWords } from './test-words.ts';
import { versionWords } from './version-words.ts';

/** What programs read of `headgate test --json`, beside the diagnostics. */
export function testShape(run: TestRun, minPercent: number): object {
  const coverage = coverageOf(run);
  const passed = run.tests.filter((each) => each.passed).length;
  return {
    passed,
    failed: run.tests.length - passed,
    tests: run.tests.map(({ test, cases, passed }) => ({
      name: test.name.value,
      file: run.file,
      line: test.span.line,
      passed,
      cases: cases.map(caseShape),
    })),
    coverage: {
      percent: coverage.percent,
      min: minPercent,
      reached: coverage.reached,
      rules: coverage.byRule,
    },
  };
}

function caseShape(tried: TriedCase): object {
  const { environment, action, at, passed, outcome, reason, rule, needsTime, needsQueue, expected, explained } = tried;
  const { version, versionName } = tried;
  return {
    environment,
    action,
    at,
    passed,
    expected: expectedWords(expected),
    came: {
      outcome,
      reason,
      rule,
      version,
      versionName,
      ...(needsTime && { needsTime }),
      ...(needsQueue && { needsQueue }),
    },
    ...(!passed && { rules: explained }),
  };
}

/** JUnit's XML, as CI systems read it: one suite, a case of the policy's test for each case of its lists. */
export function junitXml({ file, tests }: TestRun): string {
  const cases = tests.flatMap((tried) => tried.cases.map((each) => junitCase(tried, each, file)));
  const failed = tests.flatMap((tried) => tried.cases).filter(({ passed }) => !passed).length;
  const counts = `tests="${cases.length}" failures="${failed}" errors="0" skipped="0"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${counts}>`,
    `  <testsuite name="${xml(file)}" ${counts}>`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function junitCase({ test, cases }: TriedTest, tried: TriedCase, file: string): string {
  const name = cases.length === 1 ? test.name.value : `${test.name.value}: ${caseWords(tried)}${versionWords(tried)}`;
  const attributes = `name="${xml(name)}" classname="${xml(tried.environment)}" file="${xml(file)}" line="${test.span.line}"`;
  if (tried.passed) return `    <testcase ${attributes}/>`;
  const message = `expected ${expectedWords(tried.expected)}; came ${cameWords(tried)}`;
  const rules = tried.explained
    .filter(({ lacks }) => lacks.length > 0)
    .map(({ rule, lacks }) => `${rule.name} (${rule.file}:${rule.line}): ${lacks.join('; ')}`);
  const text = [`${caseWords(tried)}, as ${callerWords(test)}`, ...rules].join('\n');
  return `    <testcase ${attributes}>\n      <failure message="${xml(message)}">${xml(text)}</failure>\n    </testcase>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Text within XML 1.0; characters that it can't hold become U+FFFD. */
function xml(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => entities[character] ?? '')
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
}
