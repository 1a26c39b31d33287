import { FogError } from '@fog/kernel'

/** Why a job is not taken in. Each says what to change. */
export class JobError extends FogError<
  | { code: 'job.program_missing'; digest: string }
  | { code: 'job.input_missing'; path: string; digest: string }
  | { code: 'job.input_repeated'; path: string }
  | { code: 'job.field_invalid'; field: string; why: string }
  | { code: 'job.over_budget'; cap: string; budget: string }
  | { code: 'job.unaffordable'; cap: string; available: string }
  | { code: 'job.too_many_open'; open: number; limit: number }
  | { code: 'job.too_many_tasks'; open: number; adds: number; limit: number }
  | { code: 'job.too_many_cores'; wants: number; limit: number }
  | { code: 'job.day_spent'; spent: string; adds: string; limit: string }
  | { code: 'job.needs_mixnet' }
  | { code: 'job.content_came_directly'; what: string; digest: string }
> {
  static override readonly texts = {
    'job.program_missing': {
      says: 'The program with hash {digest} is not among your uploads.',
      fix: 'Upload it first; the CLI and the console do that by themselves.',
    },
    'job.input_missing': {
      says: 'The input {path} (hash {digest}) is not among your uploads.',
      fix: 'Check that the file is named rightly and upload it first.',
    },
    'job.input_repeated': {
      says: 'A task would find two inputs at {path}.',
      fix: 'Give each input a path of its own under /in.',
    },
    'job.field_invalid': {
      says: 'In the job, {field} {why}.',
      fix: 'Change that field; docs/job-document.md shows every one.',
    },
    'job.over_budget': {
      says: 'The job could cost up to {cap} tokens, and its budget is {budget}.',
      fix: 'Raise the budget, or lower resources.wallSeconds or resources.fuel; what is not used comes back.',
    },
    'job.unaffordable': {
      says: 'The job could cost up to {cap} tokens, and your account has {available} available.',
      fix: 'Lower resources.wallSeconds or resources.fuel, submit fewer tasks, or ask an admin for a grant.',
    },
    'job.too_many_open': {
      says: 'You have {open} jobs that are not over; the limit is {limit}.',
      fix: 'Wait for some to end, or cancel some.',
    },
    'job.too_many_tasks': {
      says: 'You have {open} tasks that are not over and the job adds {adds}; the limit is {limit}.',
      fix: 'Wait for some to end, give each task more to do, or ask an admin for a larger quota.',
    },
    'job.too_many_cores': {
      says: 'A task asks for {wants} cores, and your account may use {limit} at a time.',
      fix: 'Lower resources.cores, or ask an admin for a larger quota.',
    },
    'job.day_spent': {
      says: 'Your jobs of the last 24 hours cost up to {spent} tokens and this one up to {adds}; the limit is {limit}.',
      fix: 'Submit it later, lower what it can cost, or ask an admin for a larger quota.',
    },
    'job.needs_mixnet': {
      says: 'A secret job is spoken of only through the mixnet, and this request came directly, which shows your address.',
      fix: 'Ask again with `fog --mixnet`, or by the address that `fog mix tunnel` prints.',
    },
    'job.content_came_directly': {
      says: 'The job is secret, and {what} (hash {digest}) was uploaded directly, never through the mixnet.',
      fix: 'Upload it once more through the mixnet; `fog --mixnet submit` does that by itself.',
    },
  }
}
