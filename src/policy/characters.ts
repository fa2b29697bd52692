import type { Report, Source } from '../diagnostics/index.ts';
import { findInvisible } from '../std/invisible.ts';

/** Most invisible characters reported in one file. */
const shownMax = 10;

/**
 * Reports characters by which a file could read differently from what it says. Says whether it can be read at all: text with
 * NUL, or with the mark that a decoder leaves where bytes weren't UTF-8, can't.
 */
export function checkCharacters(source: Source, report: Report): boolean {
  const broken = source.text.search(/[\0\ufffd]/);
  if (broken !== -1) {
    report.add('HG1009', 'the file is not UTF-8', { span: source.span(broken, broken + 1), hint: 'save it as UTF-8' });
    return false;
  }
  const found = findInvisible(source.text, '\t\n').filter((each) => !source.text.startsWith('\r\n', each.offset));
  for (const { character, offset } of found.slice(0, shownMax)) {
    const span = source.span(offset, offset + 1);
    if (character === '\ufeff' && offset === 0) {
      const hint = 'save it as UTF-8 without a byte order mark';
      report.add('HG1009', 'the file starts with a byte order mark', { span, hint });
      continue;
    }
    const hexadecimal = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    const hint = 'remove it; where text needs it, write its escape within double quotes';
    report.add('HG1011', `the invisible character U+${hexadecimal}`, { span, hint });
  }
  return true;
}
