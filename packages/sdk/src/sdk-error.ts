import { FogError } from '@fog/kernel'

/** What is wrong before anything was sent, or with what came back. */
export class SdkError extends FogError<
  | { code: 'document.not_readable'; file: string; why: string }
  | { code: 'document.malformed'; file: string; why: string }
  | { code: 'document.field_invalid'; file: string; field: string; why: string }
  | { code: 'document.file_missing'; file: string; field: string; path: string; why: string }
  | { code: 'document.no_match'; file: string; glob: string }
  | { code: 'document.range_empty'; file: string; from: number; to: number }
  | { code: 'document.too_many_tasks'; file: string; tasks: number; limit: number }
  | { code: 'document.name_repeated'; file: string; name: string }
  | { code: 'result.damaged'; path: string }
  | { code: 'result.unsafe_name'; path: string }
  | { code: 'feed.ended'; why: string }
  | { code: 'job.secret_in_the_open' }
> {
  static override readonly texts = {
    'document.not_readable': {
      says: 'The job document {file} cannot be read: {why}.',
      fix: 'Check the path and that you may read it.',
    },
    'document.malformed': {
      says: 'The job document {file} is neither YAML nor JSON: {why}.',
      fix: 'Mend it at that place; examples/ has documents that work.',
    },
    'document.field_invalid': {
      says: 'In {file}, {field} {why}.',
      fix: 'Change that field; docs/job-document.md shows every one.',
    },
    'document.file_missing': {
      says: 'In {file}, {field} names the file {path}, which cannot be used: {why}.',
      fix: 'Paths are relative to the document; build or move the file, or mend the path.',
    },
    'document.no_match': {
      says: 'In {file}, no file matches each.glob "{glob}".',
      fix: 'The pattern is relative to the document; make the inputs first, or mend it.',
    },
    'document.range_empty': {
      says: 'In {file}, each.range from {from} up to {to} has no numbers.',
      fix: 'The first number is counted in and the last is not, as in [0, 100].',
    },
    'document.too_many_tasks': {
      says: 'In {file}, the job would have {tasks} tasks; at most {limit} are taken.',
      fix: 'Give each task more to do, or submit several jobs.',
    },
    'document.name_repeated': {
      says: 'In {file}, two inputs would both be found at {name}.',
      fix: 'Rename one: a task sees each file of a glob under its base name.',
    },
    'result.damaged': {
      says: 'What came for {path} does not have the hash the result states, and was thrown away.',
      fix: 'Fetch the results again.',
    },
    'result.unsafe_name': {
      says: 'The result names a file {path}, which would lie outside the results folder, and it was not written.',
      fix: 'Ask whoever wrote the program to use plain relative names.',
    },
    'job.secret_in_the_open': {
      says: 'The job is secret, and this way to the fog is an ordinary one; nothing was sent.',
      fix: "Start `fog mix tunnel`, give the address it prints as baseUrl, and say so with reach: 'mixnet'.",
    },
    'feed.ended': {
      says: 'The event feed ended: {why}.',
      fix: 'Try again; nothing of the job is lost.',
    },
  }
}
