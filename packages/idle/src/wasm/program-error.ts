import { FogError } from '@fog/kernel'

/** Why a program is refused before it runs. */
export class ProgramError extends FogError<
  | { code: 'program.not_a_module'; reason: string }
  | { code: 'program.malformed'; reason: string; at: number }
  | { code: 'program.invalid'; reason: string }
  | { code: 'program.feature_not_supported'; feature: string }
  | { code: 'program.import_not_offered'; module: string; name: string }
  | { code: 'program.import_mismatch'; module: string; name: string; expected: string; found: string }
  | { code: 'program.no_start' }
  | { code: 'program.reserved_export'; name: string }
  | { code: 'program.too_large'; what: string; size: number; limit: number }
  | { code: 'program.memory_over_limit'; neededMiB: number; limitMiB: number }
> {
  static override readonly texts = {
    'program.not_a_module': {
      says: 'The program is not a WebAssembly module: {reason}.',
      fix: 'Compile it for wasm32-wasi and give the .wasm file.',
    },
    'program.malformed': {
      says: 'The WebAssembly module is broken at byte {at}: {reason}.',
      fix: 'Compile it again and check that the file is whole.',
    },
    'program.invalid': {
      says: 'The WebAssembly module does not pass validation: {reason}.',
      fix: 'Compile it again with a current compiler.',
    },
    'program.feature_not_supported': {
      says: 'The WebAssembly module uses {feature}, which is not run here.',
      fix: 'Compile it without that feature.',
    },
    'program.import_not_offered': {
      says: 'The program imports {module}.{name}, which is not offered.',
      fix: 'Import functions of wasi_snapshot_preview1 only.',
    },
    'program.import_mismatch': {
      says: 'The program imports {module}.{name} as {found}, but it is {expected}.',
      fix: 'Compile it with a WASI preview 1 library.',
    },
    'program.no_start': {
      says: 'The program has no entry: it exports no function _start without parameters and results.',
      fix: 'Build a command, not a library: with clang leave out -mexec-model=reactor.',
    },
    'program.reserved_export': {
      says: 'The program exports {name}, a name kept for the platform.',
      fix: 'Rename that export.',
    },
    'program.too_large': {
      says: 'The program has {size} {what}, and {limit} are allowed.',
      fix: 'Make it smaller: strip it, optimise for size, or move data into an input file.',
    },
    'program.memory_over_limit': {
      says: 'The program needs {neededMiB} MiB of memory to start, and the task may use {limitMiB} MiB.',
      fix: 'Ask for more memory in the job, or build with a smaller initial memory.',
    },
  }
}
