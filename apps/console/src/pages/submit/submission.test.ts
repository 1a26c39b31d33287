import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readDocument } from './document-text.ts'
import { documentOf, type FormDocument } from './form.ts'
import { type FileState, prepare } from './submission.ts'
import { type Shelf, withFiles } from './shelf.ts'

const shelf = withFiles(
  new Map(),
  ['x.wasm', 'in/b.csv', 'in/a.csv', 'palette.txt'].map((path) => ({ path, file: new File([path], path) })),
)
const ready = (file: File): FileState => ({ status: 'ready', digest: `digest of ${file.name}` })
const job = (more: Partial<FormDocument> = {}): FormDocument => ({
  name: 'x',
  program: { kind: 'wasm', file: 'x.wasm' },
  ...more,
})

test('without each a job is one task', () => {
  expect(prepare(job(), shelf, ready)).toMatchObject({ status: 'ready', submission: { tasks: [{ item: '' }] } })
})

test('a range leaves its end out', () => {
  expect(prepare(job({ each: { range: [3, 5] } }), shelf, ready)).toMatchObject({
    submission: { tasks: [{ item: '3' }, { item: '4' }] },
  })
})

test('a task of a file sees it under /in by its name, in the order of paths', () => {
  const prepared = prepare(job({ each: { glob: 'in/*.csv' }, inputs: { '/in/p.txt': 'palette.txt' } }), shelf, ready)
  expect(prepared).toMatchObject({
    submission: {
      inputs: [{ path: '/in/p.txt', digest: 'digest of palette.txt' }],
      tasks: [
        { item: '/in/a.csv', inputs: [{ path: '/in/a.csv', digest: 'digest of in/a.csv' }] },
        { item: '/in/b.csv', inputs: [{ path: '/in/b.csv', digest: 'digest of in/b.csv' }] },
      ],
    },
  })
})

test.each([
  [
    'a missing program',
    job({ program: { kind: 'wasm', file: 'y.wasm' } }),
    { field: 'program.file', text: 'Choose the file y.wasm.' },
  ],
  ['a missing input', job({ inputs: { '/in/q': 'q.txt' } }), { field: 'inputs./in/q', text: 'Choose the file q.txt.' }],
  ['an empty range', job({ each: { range: [5, 5] } }), { field: 'each' }],
  [
    'a pattern for nothing',
    job({ each: { glob: '*.png' } }),
    { field: 'each', text: 'None of the chosen files matches *.png.' },
  ],
  [
    'two inputs at one place',
    job({ each: { glob: 'in/*.csv' }, inputs: { '/in/a.csv': 'palette.txt' } }),
    { field: 'each' },
  ],
] as const)('%s is said where it is', (_, document, fault) => {
  expect(prepare(document, shelf, ready)).toMatchObject({ status: 'faulty', faults: [fault] })
})

test('a job waits until its files are over, and says which could not be brought', () => {
  expect(prepare(job(), shelf, () => ({ status: 'hashing' }))).toEqual({ status: 'uploading', files: 1, ready: 0 })
  expect(prepare(job(), shelf, () => ({ status: 'failed', why: 'It is too large.' }))).toMatchObject({
    faults: [{ field: '', text: 'x.wasm could not be brought over. It is too large.' }],
  })
})

test('the mandelbrot example becomes sixteen tasks with its palette', () => {
  const folder = fileURLToPath(new URL('../../../../../examples/mandelbrot/', import.meta.url))
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const chosen = files.map((entry) => {
    const full = `${entry.parentPath.replace(/\/?$/, '/')}${entry.name}`
    return { path: full.slice(folder.length), file: new File([readFileSync(full)], entry.name) }
  })
  const exampleShelf: Shelf = withFiles(new Map(), chosen)
  const read = readDocument(readFileSync(`${folder}job.yaml`, 'utf8'))
  if (!read.ok) throw new Error(read.fault.text)
  const sha = createHash('sha256')
    .update(readFileSync(`${folder}build/mandel.wasm`))
    .digest('hex')
  const digest = (file: File): FileState => ({
    status: 'ready',
    digest: file.name === 'mandel.wasm' ? sha : '0'.repeat(64),
  })
  const prepared = prepare(documentOf(read.form) as unknown as FormDocument, exampleShelf, digest)
  expect(prepared).toMatchObject({ status: 'ready', submission: { name: 'mandelbrot', program: { digest: sha } } })
  expect(prepared.status === 'ready' && prepared.submission.tasks!.map(({ item }) => item).slice(0, 2)).toEqual([
    '/in/r0-c0.json',
    '/in/r0-c1.json',
  ])
  expect(prepared.status === 'ready' && prepared.submission.tasks!.length).toBe(16)
})
