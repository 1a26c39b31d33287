import { ApiError, Unreachable } from '@fog/contract'
import { AmountError } from '@fog/kernel'
import { SdkError } from '@fog/sdk'
import { CliError } from './cli-error.ts'

/** What a script can tell from how `fog` ended; `docs/cli.md` lists them. */
export const EXIT = {
  ok: 0,
  /** A job failed, or an audit found something. */
  failed: 1,
  /** The command line or the job document is wrong. */
  usage: 2,
  /** The fog understood and refused. */
  refused: 3,
  unreachable: 4,
  /** Not logged in, or not allowed. */
  notAllowed: 5,
  /** The platform failed, or the command line is wrong: `fog run` only, as are the next ones. */
  runFailed: 125,
  runRefused: 126,
  programMissing: 127,
  interrupted: 130,
} as const

/** How a command ends that met this fault. */
export function exitCodeOf(fault: unknown): number {
  if (fault instanceof Interrupted) return EXIT.interrupted
  if (fault instanceof Unreachable) return EXIT.unreachable
  if (fault instanceof CliError) return fault.exitCode
  if (fault instanceof SdkError) return fault.code.startsWith('document.') ? EXIT.usage : EXIT.failed
  if (fault instanceof AmountError) return EXIT.usage
  if (fault instanceof ApiError) return exitCodeOfStatus(fault.status)
  return EXIT.failed
}

function exitCodeOfStatus(status: number): number {
  if (status === 401 || status === 403) return EXIT.notAllowed
  return status === 429 || status >= 500 ? EXIT.unreachable : EXIT.refused
}

/** The same for `fog run`, whose lower codes are the program's own. */
export function runExitCodeOf(fault: unknown): number {
  const code = exitCodeOf(fault)
  if (code === EXIT.interrupted || code === EXIT.programMissing) return code
  return code === EXIT.refused ? EXIT.runRefused : EXIT.runFailed
}

/** Ways in which a program can end without a code of its own, and the code a shell would show for such an end. */
const CODE_OF_FAILURE: Readonly<Record<string, number>> = {
  fuel_exhausted: 124,
  wall_exceeded: 124,
  not_loadable: EXIT.runRefused,
  trapped: 134,
  memory_exceeded: 137,
  output_exceeded: 153,
}

/** How `fog run` ends for a program that ended so. A code too large for a process is still no success. */
export function programExitCode(end: { readonly exitCode?: number | undefined; readonly failure?: string }): number {
  if (end.failure !== undefined && end.failure !== 'exit_nonzero') return CODE_OF_FAILURE[end.failure] ?? EXIT.runFailed
  const code = end.exitCode ?? EXIT.runFailed
  return code >= 0 && code <= 255 ? code : 255
}

/** Ctrl-C, while something was waited for. `says` tells how to come back. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
}
