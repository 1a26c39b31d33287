import { utf8 } from '@fog/kernel'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { FileBytes } from './file-bytes.ts'
import { FileTree } from './file-tree.ts'
import { DEFAULT_WASI_LIMITS, Quota } from './quota.ts'
import { StateFolder, type StateSnapshot } from './state-folder.ts'

test('a checkpoint is what was renamed into place, as it was then', () => {
  const task = new Task()
  task.write('/state/next.tmp', 'half')
  expect(task.told).toEqual([])
  task.write('/state/next.tmp', 'whole')
  task.rename('/state/next.tmp', '/state/next')
  task.write('/state/next', 'WHOLE and more')
  task.write('/state/loose', 'written under its own name')
  expect(task.seen()).toEqual([{ next: 'whole' }])

  task.write('/tmp/other', 'from elsewhere')
  task.rename('/tmp/other', '/state/other')
  expect(task.seen().at(-1)).toEqual({ next: 'whole', other: 'from elsewhere' })
})

test('folders are followed, and what is taken away is gone from the next one', () => {
  const task = new Task()
  task.makeFolder('/tmp/part')
  task.write('/tmp/part/a', '1')
  task.write('/tmp/part/b', '2')
  task.rename('/tmp/part', '/state/part')
  expect(task.seen().at(-1)).toEqual({ 'part/a': '1', 'part/b': '2' })
  task.rename('/state/part', '/state/whole')
  expect(task.seen().at(-1)).toEqual({ 'whole/a': '1', 'whole/b': '2' })
  task.rename('/state/whole/a', '/out/a')
  task.unlink('/state/whole/b')
  expect(task.seen().at(-1)).toEqual({})
  expect(task.told.map(({ version }) => version)).toEqual([1, 2, 3, 4])
})

test('what an earlier attempt left is in place from the start, and only changes count as changed', () => {
  const task = new Task([
    ['/state/old', 'left behind'],
    ['/state/done', 'too'],
  ])
  expect(task.told).toEqual([])
  task.write('/state/new.tmp', 'now')
  task.rename('/state/new.tmp', '/state/old')
  expect(task.seen()).toEqual([{ done: 'too', old: 'now' }])
  expect(task.told[0]!.files.map(({ path, version }) => [path, version])).toEqual([
    ['done', 0],
    ['old', 1],
  ])
})

test('state that was handed on takes room like state that was written', () => {
  const quota = new Quota({ ...DEFAULT_WASI_LIMITS, diskBytes: 10 })
  const tree = new FileTree({ quota, nowNs: () => 0n })
  tree.give('/state/old', utf8('12345678'))
  tree.give('/in/large', new Uint8Array(1000))
  expect(quota.peakBytes).toBe(8)
  tree.unlink(tree.resolve(tree.top, '/state/old', 'keep'))
  tree.write(tree.createFile(tree.resolve(tree.top, 'a', 'keep')), 0, utf8('1234567890'))
  expect(quota.exceeded).toBeUndefined()
})

test('a snapshot of a file stays as it was, whatever is done to the file and whatever to other snapshots', () => {
  const change = fc.record({
    at: fc.nat(150_000),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 200 }),
    size: fc.nat(200_000),
    kind: fc.constantFrom('write', 'resize', 'snapshot'),
  })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 25 }), (changes) => {
      const file = new FileBytes()
      const taken: { readonly snapshot: FileBytes; readonly bytes: Uint8Array }[] = []
      for (const { kind, at, bytes, size } of changes) {
        if (kind === 'write') file.write(at, bytes)
        else if (kind === 'resize') file.resize(size)
        else taken.push({ snapshot: file.snapshot(), bytes: file.toBytes() })
      }
      for (const { snapshot, bytes } of taken) {
        expect(Buffer.compare(snapshot.toBytes(), bytes)).toBe(0)
      }
    }),
    { numRuns: 60 },
  )
})

/** A file tree with the calls a program would make. */
class Task {
  readonly told: StateSnapshot[] = []
  readonly #tree = new FileTree({ quota: new Quota(DEFAULT_WASI_LIMITS), nowNs: () => 0n })
  readonly #state: StateFolder

  constructor(given: readonly (readonly [path: string, text: string])[] = []) {
    for (const [path, text] of given) this.#tree.give(path, utf8(text))
    this.#state = new StateFolder(
      this.#tree,
      () => 7n,
      (snapshot) => this.told.push(snapshot),
    )
    this.#state.restored()
  }

  /** What each checkpoint held, read only now. */
  seen(): Record<string, string>[] {
    return this.told.map(({ files }) =>
      Object.fromEntries(files.map((file) => [file.path, new TextDecoder().decode(file.bytes())])),
    )
  }

  write(path: string, text: string): void {
    const place = this.#at(path)
    const file = place.node ?? this.#tree.createFile(place)
    if (file.kind === 'file') this.#tree.resize(file, 0)
    if (file.kind === 'file') this.#tree.write(file, 0, utf8(text))
  }

  makeFolder(path: string): void {
    this.#tree.createDirectory(this.#at(path))
  }

  rename(from: string, to: string): void {
    const [source, target] = [this.#at(from), this.#at(to)]
    const before = this.#state.pathOf(source)
    this.#tree.rename(source, target)
    this.#state.moved(source.node!, before, this.#state.pathOf(target))
  }

  unlink(path: string): void {
    const place = this.#at(path)
    this.#tree.unlink(place)
    this.#state.removed(this.#state.pathOf(place))
  }

  #at(path: string) {
    return this.#tree.resolve(this.#tree.top, path, 'keep')
  }
}
