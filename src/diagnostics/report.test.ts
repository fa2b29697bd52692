import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { diagnosticsMax, Report } from './report.ts';
import { Source } from './source.ts';

describe('Report', () => {
  const source = new Source('f', 'abc');

  it('keeps the order of the text, those without a place first', () => {
    const report = new Report();
    report.add('HG1101', 'second', { span: source.span(2, 3) });
    report.add('HG1101', 'first', { span: source.span(0, 1) });
    report.add('HG1101', 'nowhere');
    assert.deepEqual(
      report.diagnostics().map(({ message }) => message),
      ['nowhere', 'first', 'second'],
    );
  });

  it('has a value exactly where there is no error', () => {
    const report = new Report();
    report.add('HG1003', 'doubtful', { severity: 'warning' });
    assert.equal(report.checked(() => 7).value, 7);
    report.add('HG1101', 'wrong');
    assert.equal(report.checked(() => 7).value, undefined);
  });

  it('is bounded, and says what it leaves out', () => {
    const report = new Report();
    for (let index = 0; index < diagnosticsMax + 5; index += 1) report.add('HG1101', `m${index}`);
    assert.equal(report.diagnostics().length, diagnosticsMax + 1);
    assert.deepEqual(report.diagnostics().at(-1), {
      code: 'HG1000',
      severity: 'note',
      message: '5 more not shown',
      hint: 'mend these first',
    });
  });
});
