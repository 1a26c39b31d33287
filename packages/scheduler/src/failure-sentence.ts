import type { Failure, FailureReason } from './task.ts'

/** What happened and what to do, in one sentence each; `{detail}` are the program's own words or numbers. */
const SENTENCES: Readonly<Record<FailureReason, string>> = {
  trapped: 'The program trapped ({detail}); run it with --local on the same input to find out where.',
  exit_nonzero: 'The program ended with an error ({detail}); its standard error says more: `fog logs`.',
  fuel_exhausted:
    'The program used up its fuel before it ended ({detail}); raise resources.fuel, or give each task less to do.',
  memory_exceeded: 'The program wanted more memory than it asked for ({detail}); raise resources.memoryMiB.',
  wall_exceeded: 'The program ran longer than it was given ({detail}); raise resources.wallSeconds, or split the work.',
  output_exceeded: 'The program wrote more than it was given ({detail}); raise resources.outputMiB, or write less.',
  not_loadable:
    'The program could not be loaded ({detail}); build it as a WASI preview 1 command that imports nothing else.',
  no_agreement:
    'The nodes did not agree on a result ({detail}); remove what varies from run to run, such as threads, or submit it again.',
  attempts_exhausted:
    'No node brought the task to its end ({detail}); submit it again, or allow more with retries if nodes come and go.',
  dependency_failed: 'A task it needs did not end well ({detail}); mend that one and submit the job again.',
  inputs_unusable:
    'What earlier steps left is not what this task asks for ({detail}); compare its inputs with what they write to /out.',
  deadline_passed:
    'The deadline passed before it ended ({detail}); what was done by then is kept and paid. Give the job more time, or a better tier.',
}

/** One clear sentence for a failed task: what happened, and what to do about it. */
export function failureSentence({ reason, detail }: Failure): string {
  const said = detail.trim().replace(/[.\s]+$/, '')
  return SENTENCES[reason].replace(' ({detail})', () => (said ? ` (${said})` : ''))
}
