#!/usr/bin/env node
import { CommanderError } from 'commander';
import { exitCodes } from './exit-codes.ts';
import { faultText } from './fault-text.ts';
import { program } from './program.ts';
import { endWithReader, processTerminal } from './terminal.ts';

/** How long after a command's end the process may still be kept by something left open. */
const lingerMs = 2000;

endWithReader();
try {
  await program(processTerminal, (code) => {
    process.exitCode = code;
  }).parseAsync();
} catch (fault) {
  if (fault instanceof CommanderError) {
    // Commander has said it already; asking for help is no mistake.
    process.exitCode = fault.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  } else {
    const { text, code } = faultText(fault);
    processTerminal.err(text);
    process.exitCode = code;
  }
}
setTimeout(() => process.exit(), lingerMs).unref();
