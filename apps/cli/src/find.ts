import { ApiError, type NodeView, type TaskView, type UserView } from '@fog/contract'
import { isId } from '@fog/kernel'
import { type Fog, pages } from '@fog/sdk'
import { CliError } from './cli-error.ts'
import { shortId } from './show/words.ts'

/** Things as people name them: by a whole id, by as much of one as is needed, or by a name. */

const BODY = 26
const PAGE = 500

/** What was typed, as the beginning of an id with its prefix; undefined when it cannot be one. */
export function idStart(prefix: string, text: string): string | undefined {
  const body = text.startsWith(`${prefix}_`) ? text.slice(prefix.length + 1) : text
  return /^[0-9a-z]{1,26}$/.test(body) ? `${prefix}_${body}` : undefined
}

/** Throws `cli.not_found` or `cli.ambiguous`. */
export async function findJobId(fog: Fog, text: string): Promise<string> {
  if (isId('job', text)) return text
  const start = idStart('job', text)
  if (start === undefined) throw new CliError({ code: 'cli.not_found', kind: 'job', text })
  const own = await jobsStarting(fog, start)
  const ids = own.length > 0 ? own : await jobsOfOthersStarting(fog, start)
  return onlyOne('job', text, ids)
}

/** Ids sort by time and the list is newest first, so whatever starts so stands right behind the last id that could. */
async function jobsStarting(fog: Fog, start: string, all = false): Promise<string[]> {
  const after = start.padEnd('job_'.length + BODY, 'z')
  const page = await fog.client.call('listJobs', { query: { limit: 5, after, ...(all ? { all } : {}) } })
  return page.items.map(({ jobId }) => jobId).filter((jobId) => jobId.startsWith(start))
}

async function jobsOfOthersStarting(fog: Fog, start: string): Promise<string[]> {
  try {
    return await jobsStarting(fog, start, true)
  } catch (fault) {
    // Only an admin may look there.
    if (fault instanceof ApiError && fault.status === 403) return []
    throw fault
  }
}

/** `JOB:INDEX`, a task's id, or the beginning of one. Throws `cli.not_found` or `cli.ambiguous`. */
export async function findTask(fog: Fog, text: string): Promise<TaskView> {
  const [, job, index] = /^(.+):(\d{1,6})$/.exec(text) ?? []
  if (job !== undefined && index !== undefined) {
    const task = await fog.taskAt(await findJobId(fog, job), Number(index))
    if (task) return task
    throw new CliError({ code: 'cli.not_found', kind: 'task', text })
  }
  const taskId = isId('task', text) ? text : await findTaskId(fog, text)
  return (await fog.client.call('getTask', { params: { taskId } })).task
}

/** The first nine characters hold the time but for its last bits, and tasks are made in the moment their job is. */
const TIME_CHARACTERS = 9

async function findTaskId(fog: Fog, text: string): Promise<string> {
  const start = idStart('task', text)
  const body = start?.slice('task_'.length) ?? ''
  if (start === undefined || body.length < TIME_CHARACTERS)
    throw new CliError({ code: 'cli.not_found', kind: 'task', text })
  const jobIds = await jobsStarting(fog, `job_${body.slice(0, TIME_CHARACTERS)}`)
  const found: string[] = []
  for (const jobId of jobIds) {
    for await (const { taskId } of fog.tasks(jobId)) if (taskId.startsWith(start)) found.push(taskId)
  }
  return onlyOne('task', text, found)
}

/** By name, id, or the beginning of one; a retired node only when no other is called so. */
export async function findNode(fog: Fog, text: string): Promise<NodeView> {
  if (isId('node', text)) return fog.client.call('getNode', { params: { nodeId: text } })
  const start = idStart('node', text)
  const found: NodeView[] = []
  for await (const node of fog.nodes({ retired: true })) {
    if (node.name === text || (start !== undefined && node.nodeId.startsWith(start))) found.push(node)
  }
  const inService = found.filter(({ state }) => state !== 'retired')
  return pick('node', text, inService.length > 0 ? inService : found, ({ nodeId }) => nodeId)
}

export async function findUser(fog: Fog, text: string): Promise<UserView> {
  const start = idStart('user', text)
  const found: UserView[] = []
  for await (const user of allUsers(fog)) {
    if (user.name === text) return user
    if (user.userId === text || user.accountId === text) found.push(user)
    else if (start !== undefined && user.userId.startsWith(start)) found.push(user)
  }
  return pick('user', text, found, ({ userId }) => userId)
}

export function allUsers(fog: Fog): AsyncGenerator<UserView> {
  return pages((after) => fog.client.call('listUsers', { query: { limit: PAGE, ...after } }))
}

/** One of a few things that have ids and names. */
export function findAmong<Thing extends { readonly name: string }>(
  kind: { readonly noun: string; readonly prefix: string },
  text: string,
  things: readonly Thing[],
  idOf: (thing: Thing) => string,
): Thing {
  const start = idStart(kind.prefix, text)
  const found = things.filter((thing) => thing.name === text || (start !== undefined && idOf(thing).startsWith(start)))
  return pick(kind.noun, text, found, idOf)
}

function onlyOne(kind: string, text: string, ids: readonly string[]): string {
  return pick(kind, text, ids, (id) => id)
}

function pick<Thing>(kind: string, text: string, found: readonly Thing[], idOf: (thing: Thing) => string): Thing {
  const [first, second] = found
  if (first === undefined) throw new CliError({ code: 'cli.not_found', kind, text })
  if (second === undefined) return first
  const matches = found.slice(0, 5).map((thing) => shortId(idOf(thing)))
  throw new CliError({ code: 'cli.ambiguous', kind, text, matches: matches.join(', ') })
}
