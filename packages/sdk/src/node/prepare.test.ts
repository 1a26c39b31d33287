import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isFogError, toHex, utf8 } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import { parseJobDocument } from '../job-document.ts'
import { prepareJob, prepareJobFile } from './prepare.ts'

let baseDir = ''
const digest = (text: string) => toHex(sha256(utf8(text)))

beforeAll(async () => {
  baseDir = await mkdtemp(join(tmpdir(), 'fog-prepare-'))
  await mkdir(join(baseDir, 'in', 'deep'), { recursive: true })
  const files = { 'p.wasm': 'program', 'in/b.txt': 'b', 'in/a.txt': 'a', 'in/deep/a.txt': 'other a', 'shared.txt': 's' }
  for (const [name, text] of Object.entries(files)) await writeFile(join(baseDir, name), text)
  await symlink('../shared.txt', join(baseDir, 'in', 'link.txt'))
})
afterAll(() => rm(baseDir, { recursive: true }))

const put = (name: string, text: string) => writeFile(join(baseDir, name), text)
const prepare = (more: string) =>
  prepareJob(parseJobDocument(`name: x\nprogram: { kind: wasm, file: p.wasm }\n${more}`), { baseDir })

async function codeOf(more: string): Promise<string> {
  const fault: unknown = await prepare(more).catch((thrown: unknown) => thrown)
  return isFogError(fault) ? fault.code : 'none'
}

test('a job without each has one task, and its program by hash', async () => {
  const { submission, content } = await prepare('tier: gold\n')
  expect(submission).toEqual({
    name: 'x',
    tier: 'gold',
    program: { kind: 'wasm', digest: digest('program') },
    tasks: [{ item: '' }],
  })
  expect(content.map(({ size }) => size)).toEqual([7])
  expect(await (content[0]!.open() as Promise<Blob>).then((blob) => blob.text())).toBe('program')
})

test('a glob makes a task a file in the order of names, links followed and folders left out', async () => {
  const { submission, content } = await prepare('each: { glob: "in/*" }\ninputs: { /in/s: shared.txt }\n')
  expect(submission.tasks).toEqual([
    { item: '/in/a.txt', inputs: [{ path: '/in/a.txt', digest: digest('a') }] },
    { item: '/in/b.txt', inputs: [{ path: '/in/b.txt', digest: digest('b') }] },
    { item: '/in/link.txt', inputs: [{ path: '/in/link.txt', digest: digest('s') }] },
  ])
  expect(submission.inputs).toEqual([{ path: '/in/s', digest: digest('s') }])
  // Equal content is uploaded once.
  expect(content.length).toBe(4)
})

test('a glob may be absolute and go deep', async () => {
  const { submission } = await prepare(`each: { glob: "${baseDir}/in/**/a.txt" }\n`)
  expect(submission.tasks!.map(({ inputs }) => inputs?.[0]?.digest)).toEqual([digest('a'), digest('other a')])
})

test('a range counts its first number in and its last out', async () => {
  expect((await prepare('each: { range: [-1, 2] }\n')).submission.tasks!.map(({ item }) => item)).toEqual([
    '-1',
    '0',
    '1',
  ])
})

test('values are taken as they are', async () => {
  const { submission } = await prepare('each: { values: [a, 2, 0.5] }\n')
  expect(submission.tasks!.map(({ item }) => item)).toEqual(['a', '2', '0.5'])
})

test.each([
  ['inputs: { /in/x: missing.txt }\n', 'document.file_missing'],
  ['stdin: in\n', 'document.file_missing'],
  ['each: { glob: "none/*" }\n', 'document.no_match'],
  ['each: { range: [3, 3] }\n', 'document.range_empty'],
  ['each: { range: [0, 100001] }\n', 'document.too_many_tasks'],
  ['each: { range: [9007199254740992, 9007199254740999] }\n', 'document.field_invalid'],
  ['each: { glob: "in/a.txt" }\ninputs: { /in/a.txt: shared.txt }\n', 'document.name_repeated'],
])('%s is refused as %s', async (more, code) => {
  expect(await codeOf(more)).toBe(code)
})

test('what is missing is named with its field', async () => {
  await expect(prepare('inputs: { /in/x: missing.txt }\n')).rejects.toThrow(
    'inputs./in/x names the file missing.txt, which cannot be used: there is no such file',
  )
})

test('paths are relative to the document, wherever it is read from', async () => {
  const file = join(baseDir, 'job.yaml')
  await writeFile(file, 'name: x\nprogram: { kind: wasm, file: p.wasm }\nstdin: in/a.txt\n')
  expect((await prepareJobFile(file)).submission.stdin).toBe(digest('a'))
})

test('a document that is not there, or is a folder, is said to be so', async () => {
  await expect(prepareJobFile(join(baseDir, 'no.yaml'))).rejects.toThrow('there is no such file')
  await expect(prepareJobFile(join(baseDir, 'in'))).rejects.toThrow('it is a folder')
})

test('a matrix makes a task of every combination, with names for its parts', async () => {
  const { submission } = await prepare('each: { matrix: { x: [1, 2], y: [a, b] } }\n')
  expect(submission).toMatchObject({ placeholders: ['x', 'y'] })
  expect(submission.tasks!.map(({ item }) => item)).toEqual(['1,a', '1,b', '2,a', '2,b'])
})

test('a file of lines makes a task of each line that has something in it, and is not sent', async () => {
  await put('items.txt', 'one\r\n\n  \ntwo words\nthree')
  const { submission, content } = await prepare('each: { lines: items.txt }\n')
  expect(submission.tasks!.map(({ item }) => item)).toEqual(['one', 'two words', 'three'])
  expect(content).toHaveLength(1)
})

test.each([
  ['each: { lines: nothing.txt }\n', 'each.lines names the file nothing.txt'],
  ['each: { lines: empty.txt }\n', 'no line with anything in it'],
  ['each: { lines: long.txt }\n', 'has 2000 characters in line 2'],
])('%s is refused', async (more, says) => {
  await put('empty.txt', '\n \n')
  await put('long.txt', `short\n${'x'.repeat(2000)}\n`)
  await expect(prepare(more)).rejects.toThrow(says)
})

test('a matrix of too many is refused before it is made', async () => {
  const values = JSON.stringify(Array.from({ length: 1_000 }, (_, i) => i))
  await expect(prepare(`each: { matrix: { x: ${values}, y: ${values} } }\n`)).rejects.toThrow('1000000 tasks')
})

const PIPELINE = `
name: pipeline
steps:
  - name: split
    program: { kind: wasm, file: p.wasm }
    inputs: { /in/text: shared.txt }
  - name: count
    program: { kind: wasm, file: p.wasm }
    each: { range: [0, 3] }
    args: ["{item}"]
    inputs: { /in/part: { from: split, path: "part-{item}" } }
  - name: join
    program: { kind: wasm, file: p.wasm }
    inputs: { /in/parts/: { from: count } }
    after: [split]
`

test('steps come with their own tasks, files and dependencies', async () => {
  const { submission, content } = await prepareJob(parseJobDocument(PIPELINE), { baseDir })
  expect(submission.steps).toMatchObject([
    { name: 'split', inputs: [{ path: '/in/text' }], tasks: [{ item: '' }] },
    { name: 'count', given: [{ path: '/in/part', from: 'split', output: 'part-{item}' }], args: ['{item}'] },
    { name: 'join', given: [{ path: '/in/parts/', from: 'count' }], after: ['split'] },
  ])
  expect(submission.steps![1]!.tasks).toHaveLength(3)
  expect(content).toHaveLength(2)
})

test.each([
  ['after: [split]', 'after: [nobody]', 'steps.2.after names the step nobody'],
  ['inputs: { /in/text: shared.txt }', 'inputs: { /in/text/: shared.txt }', 'steps.0.inputs./in/text/ is a folder'],
  ['inputs: { /in/text: shared.txt }', 'after: [join]', 'in a circle'],
  [
    'inputs: { /in/text: shared.txt }',
    'inputs: { /in/text: gone.txt }',
    'steps.0.inputs./in/text names the file gone.txt',
  ],
  ['name: pipeline', 'name: pipeline\nargs: [x]', 'args stands beside steps'],
])('steps with %s turned into %s are refused', async (part, other, says) => {
  const text = PIPELINE.replace(part, other)
  await expect(prepareJob(parseJobDocument(text), { baseDir })).rejects.toThrow(says)
})
