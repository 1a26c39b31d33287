import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JobView, MeView, NodeView, ReceiptView, TaskView, TokenView } from '@fog/contract'
import { Person, type Started } from '../support/fog-command.ts'
import { eventually } from '../support/fog-processes.ts'

/** A person at a terminal: every command of `fog` against a fog that `fog up` runs, control plane, database and worker. */

const fixture = (name: string) => fileURLToPath(new URL(`../../packages/idle/fixtures/${name}.wasm`, import.meta.url))
const [HELLO, EXIT3, TRAP, SPIN, SLEEP, HOG, FLOOD] = [
  'hello',
  'exit3',
  'trap',
  'spin',
  'sleep',
  'memory-hog',
  'stdout-flood',
].map(fixture) as [string, string, string, string, string, string, string]
const PASSWORD = 'correct horse battery'

interface UpEvent {
  readonly type: string
  readonly url?: string
  readonly setupCode?: string
  readonly picture?: string
  readonly job?: JobView
  readonly receipt?: ReceiptView
  readonly what?: string
}

let me: Person
let up: Started
let url = ''
let setupCode = ''

const events = (from: Started): UpEvent[] =>
  from
    .stdout()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as UpEvent)

const event = (type: string, from = up) =>
  eventually(
    () => {
      if (from.child.exitCode !== null) throw new Error(`fog up ended:\n${from.stdout()}${from.stderr()}`)
      return events(from).find((each) => each.type === type)
    },
    `"${type}" of fog up`,
    120_000,
  )

beforeAll(async () => {
  me = await Person.come()
  up = me.start(['up', '--example', '--json'])
  const ready = await event('ready')
  url = ready.url!
  setupCode = ready.setupCode!
})

afterAll(async () => {
  up.child.kill('SIGINT')
  await up.ended
  await me.leave()
})

test('fog up runs the example to its end: a picture, and a receipt that adds up', async () => {
  const { picture, job, receipt } = await event('example')
  expect(readFileSync(picture!).subarray(1, 4).toString()).toBe('PNG')
  expect(job).toMatchObject({ status: 'succeeded', settled: true, tasks: 16 })
  expect(Number(receipt!.held)).toBeCloseTo(Number(receipt!.cost) + Number(receipt!.returned), 6)
  expect(receipt!.lines.reduce((sum, { tasks }) => sum + tasks, 0)).toBe(16)
})

test('a second fog up on the same data says that one is running', async () => {
  const { code, stderr } = await me.fog('up')
  expect([code, stderr]).toEqual([3, expect.stringContaining(`running on ${join(me.dir, 'data')} already, at ${url}`)])
})

test('a program’s output, errors and exit code are its own', async () => {
  const hello = await me.fog('run', HELLO, '--', 'Ada', 'Lovelace')
  expect([hello.code, hello.stdout.toString(), hello.stderr]).toEqual([0, 'hello Ada Lovelace\n', ''])
  expect(await me.fog('run', EXIT3, '--', '42')).toMatchObject({ code: 42, stderr: '' })
  const hog = await me.fog('run', HOG, '--memory', '32')
  expect([hog.code, hog.stderr]).toEqual([
    137,
    expect.stringMatching(/^no more memory after \d+ MiB\nfog: The program wanted/),
  ])
})

test('standard input and files go in, files come out', async () => {
  writeFileSync(join(me.dir, 'in.txt'), 'quiet\n')
  const { code, stdout } = await me.fogWith(
    'from stdin\n',
    'run',
    HELLO,
    '--stdin',
    '-',
    '--in',
    'in.txt',
    '--out',
    'out',
  )
  expect([code, stdout.toString()]).toEqual([0, 'hello\nfrom stdin\n'])
  expect(readFileSync(join(me.dir, 'out', 'out.txt'), 'utf8')).toBe('QUIET\n')
})

test('a flood of output comes to the last byte', async () => {
  const onFog = await me.fog('run', FLOOD)
  expect(onFog.code).toBe(0)
  expect(onFog.stdout.length).toBeGreaterThan(16 * 1024 * 1024)
  expect(onFog.stdout.subarray(-60).toString()).toContain('[fog] stdout was cut here')
})

test('a program that is run here gives the same as on the fog', async () => {
  for (const args of [[HELLO, '--', 'x'], [EXIT3], [TRAP]]) {
    const [here, there] = [
      await me.fogWith('', 'run', args[0]!, '--local', ...args.slice(1)),
      await me.fog('run', ...args),
    ]
    expect([here.code, here.stdout.toString()]).toEqual([there.code, there.stdout.toString()])
  }
})

test.each([
  ['traps', [TRAP], 134, 'The program trapped'],
  ['runs too long', [SPIN, '--wall', '1'], 124, 'ran longer than it was given'],
  ['uses up its fuel', [SPIN, '--fuel', '1000000'], 124, 'used up its fuel'],
  ['is not there', ['nowhere.wasm'], 127, 'there is no such file'],
  ['is no program', [fileURLToPath(import.meta.url)], 126, 'not a WebAssembly module'],
  ['wants what no node has', [HELLO, '--cores', '900'], 126, 'the most any node has'],
  ['may not cost so little', [HELLO, '--budget', '0.000001'], 126, 'its budget is 0.000001'],
])('a program that %s ends with its own code and one sentence', async (_, args, code, says) => {
  const ended = await me.fog('run', ...args)
  expect([ended.code, ended.stderr]).toEqual([code, expect.stringContaining(`fog: `)])
  expect(ended.stderr).toContain(says)
  expect(ended.stderr).not.toContain('    at ')
})

test('with --json a run is one document', async () => {
  const document = await me.json<Record<string, unknown>>('run', EXIT3, '--', '5')
  expect(document).toMatchObject({ status: 'failed', exitCode: 5, stdout: '', failure: { reason: 'exit_nonzero' } })
})

test('a map runs a task a value, and its results lie in a folder each', async () => {
  const { code, stderr, stdout } = await me.fog(
    'map',
    HELLO,
    '--values',
    'a,b,c',
    '--out',
    'mapped',
    '--',
    'dear',
    '{item}',
  )
  expect(code).toBe(0)
  expect(stderr).toContain('hello: 3 of 3 done')
  expect(stdout.toString()).toContain('3 of 3 tasks done')
  expect(readdirSync(join(me.dir, 'mapped')).sort()).toEqual(['0000-a', '0001-b', '0002-c'])
  expect(readFileSync(join(me.dir, 'mapped', '0001-b', 'stdout.txt'), 'utf8')).toBe('hello dear b\n')
})

test('a job is followed by a beginning of its id: ps, logs, get, receipt, why, cancel', async () => {
  const job = await me.json<JobView>('map', HELLO, '--range', '0:4', '--no-wait', '--', '{item}')
  const short = job.jobId.slice(0, 17)
  const done = () => me.json<{ job: JobView; tasks: TaskView[] }>('ps', short)
  await eventually(async () => ((await done()).job.settled ? true : undefined), 'the job settled')
  expect((await done()).tasks.map(({ item, status }) => [item, status])).toEqual(
    ['0', '1', '2', '3'].map((item) => [item, 'done']),
  )
  expect((await me.fog('ps', short)).stdout.toString()).toMatch(/INDEX +ITEM +STATUS/)
  expect((await me.fog('logs', `${short}:2`)).stdout.toString()).toBe('hello 2\n')
  expect((await me.fog('logs', '-f', short)).stdout.toString()).toBe('hello 0\nhello 1\nhello 2\nhello 3\n')
  const { taskId } = (await done()).tasks[3]!
  expect((await me.fog('logs', taskId.slice(0, 20))).stdout.toString()).toBe('hello 3\n')
  expect((await me.fog('get', short, 'got')).code).toBe(0)
  expect(readFileSync(join(me.dir, 'got', '0003-3', 'stdout.txt'), 'utf8')).toBe('hello 3\n')
  expect((await me.json<ReceiptView>('receipt', short)).done).toBe(4)
  expect((await me.fog('why', short)).stdout.toString()).toContain('nothing of it waits')
  expect(await me.fog('cancel', short)).toMatchObject({ code: 3, stderr: expect.stringContaining('over already') })
  expect((await me.json<JobView[]>('ps')).map(({ jobId }) => jobId)).toContain(job.jobId)
})

test('a job document is quoted, submitted, waited for; a failed job ends with 1 and says why', async () => {
  writeFileSync(
    join(me.dir, 'good.yaml'),
    `name: good\nprogram: { kind: wasm, file: ${HELLO} }\neach: { range: [0, 3] }\nargs: ["{item}"]\n`,
  )
  writeFileSync(
    join(me.dir, 'bad.yaml'),
    `name: bad\nprogram: { kind: wasm, file: ${EXIT3} }\neach: { values: [0, 9] }\nargs: ["{item}"]\n`,
  )
  writeFileSync(join(me.dir, 'wrong.yaml'), 'name: wrong\nprogram: { kind: elf, file: x }\n')
  expect(await me.json('quote', 'good.yaml')).toMatchObject({ tasks: 3, affordable: true, refusals: [] })
  expect((await me.fog('submit', 'good.yaml', '--wait')).code).toBe(0)
  const bad = await me.fog('submit', 'bad.yaml', '--wait', '--out', 'bad')
  expect([bad.code, bad.stderr]).toEqual([
    1,
    expect.stringContaining('1 task: The program ended with an error (it ended with exit code 9)'),
  ])
  const wrong = await me.fog('submit', 'wrong.yaml')
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('In wrong.yaml, program.kind must be wasm')])
})

test('Ctrl-C leaves the job running and says how to come back', async () => {
  const waiting = me.start(['map', SLEEP, '--values', '20000', '--', '{item}'])
  await eventually(() => (waiting.stderr().includes('Submitted') ? true : undefined), 'the submission')
  const jobId = /job_[0-9a-z]{26}/.exec(waiting.stderr())![0]
  await eventually(
    async () => ((await me.json<{ job: JobView }>('ps', jobId)).job.status === 'running' ? true : undefined),
    'its start',
  )
  waiting.child.kill('SIGINT')
  const { code, stderr } = await waiting.ended
  expect([code, stderr]).toEqual([130, expect.stringContaining(`fog cancel ${jobId.slice(0, 16)}`)])
  expect((await me.fog('cancel', jobId)).code).toBe(0)
  expect((await me.json<{ job: JobView }>('ps', jobId)).job.status).toBe('cancelled')
})

test('the first admin is made with the code, and logs in, out and by token', async () => {
  const made = await me.fogWith(
    `${PASSWORD}\n`,
    'login',
    '--setup-code',
    setupCode,
    '--name',
    'root',
    '--password-stdin',
  )
  expect([made.code, made.stdout.toString()]).toEqual([0, `Logged in at ${url} as root.\n`])
  expect(await me.json<MeView & { source: string }>('whoami')).toMatchObject({
    name: 'root',
    role: 'admin',
    source: 'log-in',
  })
  const { secret, token } = await me.json<{ secret: string; token: TokenView }>('token', 'create', 'ci', '--days', '1')
  const ci = me.with({ FOG_TOKEN: secret, FOG_URL: url })
  expect(await ci.json<MeView>('whoami')).toMatchObject({ name: 'root', scopes: ['jobs:read', 'jobs:write'] })
  expect(await ci.fog('user', 'list')).toMatchObject({ code: 5, stderr: expect.stringContaining('right "admin"') })
  expect((await me.fog('token', 'revoke', 'ci')).stdout.toString()).toBe(`Revoked ${token.tokenId.slice(0, 16)}.\n`)
  expect(await ci.fog('whoami')).toMatchObject({ code: 5 })
  expect((await me.fog('logout')).code).toBe(0)
  expect(await me.json<{ source: string }>('whoami')).toMatchObject({ source: 'this machine' })
  const wrong = await me.fogWith('not the password\n', 'login', '--name', 'root', '--password-stdin')
  expect([wrong.code, wrong.stderr]).toEqual([5, expect.stringContaining('Name or password is wrong')])
})

test('users are added, granted, locked out and let in again; the books stay sound', async () => {
  const added = await me.fogWith(`${PASSWORD}\n`, 'user', 'add', 'ada', '--grant', '50', '--password-stdin')
  expect(added.code).toBe(0)
  expect((await me.fog('ledger', 'grant', 'ada', '0.5')).stdout.toString()).toBe('Granted 0.5 tokens to ada.\n')
  const ada = me.with({ XDG_CONFIG_HOME: join(me.dir, 'ada'), FOG_DATA_DIR: join(me.dir, 'nothing-here') })
  const logIn = () => ada.fogWith(`${PASSWORD}\n`, 'login', url, '--name', 'ada', '--password-stdin')
  expect((await logIn()).code).toBe(0)
  expect(await ada.json('ledger', 'balance')).toMatchObject({ available: '50.5', onHold: '0' })
  expect((await ada.fog('ledger', 'history')).stdout.toString()).toContain('+0.5')
  expect((await me.fog('user', 'disable', 'ada')).code).toBe(0)
  expect((await ada.fog('ps')).code).toBe(5)
  expect((await me.fog('user', 'enable', 'ada')).code).toBe(0)
  expect((await logIn()).code).toBe(0)
  expect((await me.fog('user', 'unlock', 'ada')).code).toBe(0)
  expect((await me.fog('user', 'list')).stdout.toString()).toMatch(/ada +member +active/)
  expect(await me.json('ledger', 'audit')).toMatchObject({ sound: true, total: '0' })
})

test('a second device joins with the printed token, lends, stops, and starts again without one', async () => {
  const { command } = await me.json<{ command: string }>('token', 'join')
  const device = me.with({ FOG_WORKER_DIR: join(me.dir, 'device'), FOG_DATA_DIR: join(me.dir, 'nothing-here') })
  const [, ...args] = command.split(' ')
  const seen = (state: (node: NodeView) => boolean) =>
    eventually(
      async () => (await me.json<NodeView[]>('nodes')).find((node) => node.name === 'attic' && state(node)),
      'the node',
    )
  const joined = device.start([...args, '--name', 'attic', '--labels', 'floor=top'])
  const { nodeId } = await seen(({ state }) => state === 'online')
  expect((await me.fog('run', HELLO, '--require', 'floor=top', '--', 'up')).stdout.toString()).toBe('hello up\n')
  expect((await me.fog('nodes', 'attic', 'drain')).stdout.toString()).toContain('takes nothing new')
  expect((await me.fog('nodes', 'attic', 'resume')).code).toBe(0)
  joined.child.kill('SIGINT')
  expect((await joined.ended).code).toBe(0)
  await seen(({ state }) => state !== 'online')
  const again = device.start(['worker', 'start'])
  expect((await seen(({ state }) => state === 'online')).nodeId).toBe(nodeId)
  again.child.kill('SIGTERM')
  expect((await again.ended).code).toBe(0)
  expect((await me.fog('nodes', 'attic', 'retire')).code).toBe(0)
  expect((await me.fog('nodes', nodeId.slice(0, 18))).stdout.toString()).toContain('attic')
})

test('fog top prints one look where there is no terminal', async () => {
  const { code, stdout } = await me.fog('top')
  expect([code, stdout.toString()]).toEqual([0, expect.stringMatching(/Nodes .* online[\s\S]*Queue[\s\S]*mandelbrot/)])
  expect(await me.json('top')).toMatchObject({ overview: { nodes: { online: 1 } } })
})

test('a backup becomes a fog elsewhere', async () => {
  expect((await me.fog('backup', 'fog.backup')).code).toBe(0)
  expect(await me.fog('backup', 'fog.backup')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('is there already'),
  })
  const elsewhere = me.with({ FOG_DATA_DIR: join(me.dir, 'restored'), XDG_CONFIG_HOME: join(me.dir, 'other') })
  expect((await elsewhere.fog('restore', 'fog.backup')).code).toBe(0)
  const other = elsewhere.start(['up', '--no-worker', '--json'])
  await event('ready', other)
  const [here, there] = [
    await me.json<JobView[]>('ps', '--limit', '500'),
    await elsewhere.json<JobView[]>('ps', '--limit', '500'),
  ]
  expect(there.map(({ jobId }) => jobId)).toEqual(here.map(({ jobId }) => jobId))
  other.child.kill('SIGINT')
  expect((await other.ended).code).toBe(0)
})

test('what dies is started again, where it was, and the job goes on', async () => {
  const dead = (what: string) => events(up).filter((each) => each.type === 'died' && each.what === what).length
  for (const [what, program] of [
    ['worker', 'fog-worker.mjs'],
    ['control plane', 'fog-control-plane.mjs'],
  ] as const) {
    process.kill(childOf(up.child.pid!, program), 'SIGKILL')
    await eventually(() => (dead(what) > 0 ? true : undefined), `word that the ${what} died`)
  }
  const isBack = (what: string) => events(up).some((each) => each.type === 'restarted' && each.what === what)
  await eventually(() => (isBack('worker') && isBack('control plane') ? true : undefined), 'both back')
  expect((await me.fog('run', HELLO, '--', 'again')).stdout.toString()).toBe('hello again\n')
})

test('Ctrl-C stops everything in order, and the next start finds its data again', async () => {
  const children = ['fog-worker.mjs', 'fog-control-plane.mjs'].map((program) => childOf(up.child.pid!, program))
  up.child.kill('SIGINT')
  expect((await up.ended).code).toBe(0)
  expect(children.filter(isAlive)).toEqual([])
  expect(await me.fog('ps')).toMatchObject({ code: 4, stderr: expect.stringContaining('does not answer') })
  up = me.start(['up', '--json', '--workers', '2'])
  expect((await event('ready')).setupCode).toBeUndefined()
  expect((await me.json<JobView[]>('ps', '--limit', '500')).some(({ name }) => name === 'mandelbrot')).toBe(true)
  expect(events(up).filter(({ type }) => type === 'worker').length).toBe(2)
})

function childOf(parent: number, program: string): number {
  const found = readdirSync('/proc').find(
    (pid) => /^\d+$/.test(pid) && parentOf(pid) === parent && commandOf(pid).includes(program),
  )
  if (found === undefined) throw new Error(`${parent} has no child ${program}`)
  return Number(found)
}

/** A process may be gone before it is read. */
function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function parentOf(pid: string): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readProc(`/proc/${pid}/status`))?.[1])
}

function commandOf(pid: string): string {
  return readProc(`/proc/${pid}/cmdline`)
}

function isAlive(pid: number): boolean {
  return readProc(`/proc/${pid}/status`) !== '' && !/^State:\s+Z/m.test(readProc(`/proc/${pid}/status`))
}
