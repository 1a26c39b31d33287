import { FogError } from '@fog/kernel'

type Facts =
  | { code: 'cli.usage'; why: string }
  | { code: 'cli.no_server' }
  | { code: 'cli.url_invalid'; url: string }
  | { code: 'cli.not_logged_in'; url: string }
  | { code: 'cli.login_ended'; url: string }
  | { code: 'cli.password_needed' }
  | { code: 'cli.credentials_unreadable'; file: string; why: string }
  | { code: 'cli.busy'; file: string }
  | { code: 'cli.not_found'; kind: string; text: string }
  | { code: 'cli.ambiguous'; kind: string; text: string; matches: string }
  | { code: 'cli.program_missing'; file: string; why: string }
  | { code: 'cli.output_differs'; jobId: string }
  | { code: 'cli.file_exists'; file: string }
  | { code: 'up.already_running'; dataDir: string; url: string }
  | { code: 'up.not_started'; what: string; why: string; log: string; reason: string }
  | { code: 'up.port_taken'; address: string }
  | { code: 'up.worker_offline'; seconds: number; log: string }
  | { code: 'up.example_failed'; why: string }
  | { code: 'cli.not_joined'; folder: string }
  | { code: 'cli.mix_program'; why: string; isUsage: boolean }
  | { code: 'cli.mix_not_running'; place: string }
  | { code: 'cli.reach_invalid'; text: string }
  | { code: 'cli.no_tunnel'; why: string }
  | { code: 'cli.secret_schedule' }

/** What the command line itself has to refuse. */
export class CliError extends FogError<Facts> {
  static override readonly texts = {
    'cli.usage': { says: '{why}', fix: '' },
    'cli.no_server': {
      says: 'There is no fog to talk to.',
      fix: 'Start one here with `fog up`, or log in to one with `fog login URL`.',
    },
    'cli.url_invalid': {
      says: '"{url}" is not the address of a fog.',
      fix: 'Write it like http://fog.example:7070.',
    },
    'cli.not_logged_in': {
      says: 'You are not logged in at {url}.',
      fix: 'Log in with `fog login {url}`, or give an API token with --token or FOG_TOKEN.',
    },
    'cli.login_ended': { says: 'Your log-in at {url} has ended.', fix: 'Log in again with `fog login {url}`.' },
    'cli.password_needed': {
      says: 'There is no terminal to ask for the password on.',
      fix: 'Give it on standard input with --password-stdin.',
    },
    'cli.credentials_unreadable': {
      says: 'The log-ins in {file} cannot be read: {why}.',
      fix: 'Move the file away and log in again.',
    },
    'cli.busy': {
      says: 'Another fog command has held {file} for too long.',
      fix: 'End it, then try again.',
    },
    'cli.not_found': { says: 'There is no {kind} "{text}" that you may see.', fix: 'Check the name or the id.' },
    'cli.ambiguous': { says: '"{text}" could be more than one {kind}: {matches}.', fix: 'Write more of it.' },
    'cli.program_missing': { says: 'The program {file} cannot be used: {why}.', fix: 'Check the path, or build it.' },
    'cli.output_differs': {
      says: 'What was shown live is not what the job {jobId} finally gave: it came from an attempt that did not count.',
      fix: 'Fetch the right output with `fog get {jobId}`.',
    },
    'cli.file_exists': { says: '{file} is there already.', fix: 'Name another file, or remove it first.' },
    'up.already_running': {
      says: 'A fog is running on {dataDir} already, at {url}.',
      fix: 'Use that one, stop it with Ctrl-C where it runs, or set FOG_DATA_DIR and FOG_HTTP_PORT for a second.',
    },
    'up.not_started': { says: 'The {what} did not start: {why}', fix: 'Its log is {log}.' },
    'up.port_taken': {
      says: 'Another program listens on {address} already.',
      fix: 'Stop it, or choose another port with FOG_HTTP_PORT.',
    },
    'up.worker_offline': {
      says: 'The worker was not online after {seconds} seconds.',
      fix: 'Its log is {log}.',
    },
    'up.example_failed': { says: 'It did not come to its end: {why}', fix: 'Start again, or leave out --example.' },
    'cli.not_joined': {
      says: 'The device has not joined a fog yet: there is no identity in {folder}.',
      fix: 'Make a join token with `fog token join`, then run the command it prints here.',
    },
    'cli.mix_program': { says: '{why}', fix: '' },
    'cli.reach_invalid': {
      says: 'FOG_REACH is "{text}".',
      fix: 'It is direct or mixnet; nothing was sent.',
    },
    'cli.no_tunnel': {
      says: 'There is no way to the fog through the mixnet: {why}',
      fix: 'Nothing was sent. See with `fog mix topology` whether the network has a gateway and a mix in each layer.',
    },
    'cli.secret_schedule': {
      says: 'A secret job cannot recur: jobs at known times are found by their times.',
      fix: 'Submit it when you want it to run; nothing was sent.',
    },
    'cli.mix_not_running': {
      says: 'No mix node answers at {place}.',
      fix: 'Start one with `fog mix run`, or say where its status is with --dir or --admin.',
    },
  }

  get exitCode(): number {
    const { facts } = this
    if (facts.code === 'cli.mix_program') return facts.isUsage ? 2 : 1
    return EXIT_CODES[this.code] ?? 1
  }
}

/** Codes of `exit-code.ts`; 1 where nothing is said. */
const EXIT_CODES: Readonly<Partial<Record<Facts['code'], number>>> = {
  'cli.usage': 2,
  'cli.no_server': 4,
  'cli.url_invalid': 2,
  'cli.not_logged_in': 5,
  'cli.login_ended': 5,
  'cli.password_needed': 2,
  'cli.not_found': 3,
  'cli.ambiguous': 2,
  'cli.program_missing': 127,
  'cli.file_exists': 2,
  'up.already_running': 3,
  'cli.not_joined': 2,
  'cli.mix_not_running': 4,
  'cli.reach_invalid': 2,
  'cli.no_tunnel': 4,
  'cli.secret_schedule': 2,
}
