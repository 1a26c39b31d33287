import { utf8 } from '@fog/kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ERRNO, Refusal } from './errno.ts'
import { type DirectoryNode, FileTree, type TreeNode } from './file-tree.ts'
import { DEFAULT_WASI_LIMITS, Quota } from './quota.ts'
import { collectResults, safeName } from './results.ts'

function newTree(limits = {}): FileTree {
  const quota = new Quota({ ...DEFAULT_WASI_LIMITS, ...limits })
  return new FileTree({ quota, nowNs: () => 0n })
}

/** What a call answers: its result, or the error number. */
function answer<T>(work: () => T): T | number {
  try {
    return work()
  } catch (fault) {
    if (fault instanceof Refusal) return fault.errno
    throw fault
  }
}

function put(tree: FileTree, path: string, text = path): void {
  const place = tree.resolve(tree.top, path, 'follow')
  const file = place.node ?? tree.createFile(place)
  if (file.kind === 'file') tree.write(file, 0, utf8(text))
}

function makeFolder(tree: FileTree, path: string): void {
  tree.createDirectory(tree.resolve(tree.top, path, 'keep'))
}

function makeLink(tree: FileTree, path: string, target: string): void {
  tree.createLink(tree.resolve(tree.top, path, 'keep'), target)
}

const names = (tree: FileTree) => [...collectResults(tree).keys()]

describe('results', () => {
  test('are what is in /out, and what is new or changed in the working folder', () => {
    const tree = newTree()
    tree.give('/in/given.txt', utf8('1'))
    tree.give('same.txt', utf8('2'))
    tree.give('/work/edited.txt', utf8('3'))
    tree.give('moved.txt', utf8('4'))
    put(tree, '/out/tile.pgm')
    put(tree, 'notes/../edited.txt'.slice(9))
    put(tree, 'new.txt')
    put(tree, '/tmp/scratch')
    put(tree, '/state/checkpoint')
    tree.rename(tree.resolve(tree.top, 'moved.txt', 'keep'), tree.resolve(tree.top, 'renamed.txt', 'keep'))
    expect(names(tree)).toEqual(['edited.txt', 'new.txt', 'renamed.txt', 'tile.pgm'])
  })

  test('with one name in both folders are both kept', () => {
    const tree = newTree()
    put(tree, 'a.txt', 'working')
    put(tree, '/out/a.txt', 'out')
    makeFolder(tree, '/out/work')
    put(tree, '/out/work/a.txt', 'out below')
    expect([...collectResults(tree)].map(([name, bytes]) => [name, String(Buffer.from(bytes))])).toEqual([
      ['a.txt', 'out'],
      ['work/a.txt', 'out below'],
      ['work/work/a.txt', 'working'],
    ])
  })

  test.each([
    ['plain/name.txt', 'plain/name.txt'],
    ['..\\..\\x', '..%5C..%5Cx'],
    ['C:x', 'C%3Ax'],
    ['a\nb', 'a%0Ab'],
    ['100%', '100%'],
    ['100%41', '100%2541'],
    ['con', '%63on'],
    ['aux.txt/x', '%61ux.txt/x'],
    ['console', 'console'],
    ['end.', 'end%2E'],
    ['dir./x ', 'dir%2E/x%20'],
    ['é', 'é'],
  ])('named %j are stored as %j', (name, stored) => {
    expect(safeName(name)).toBe(stored)
  })

  test('with different names are stored under different names, none of which leads anywhere', () => {
    const letter = fc.constantFrom(...Array.from('aCoOnN.. %%45Cc\\:*?"<>|é😀\n\u0001\u007f~'))
    const part = fc.string({ minLength: 1, maxLength: 8, unit: letter }).filter((name) => !/^\.\.?$/.test(name))
    fc.assert(
      fc.property(fc.uniqueArray(part, { maxLength: 8 }), (given) => {
        const stored = given.map(safeName)
        expect(new Set(stored).size).toBe(given.length)
        for (const name of stored) {
          expect(name).not.toMatch(/[\\:*?"<>|\p{Cc}/]|^\.\.?$|[. ]$/u)
          expect(decodeName(name)).toBe(given[stored.indexOf(name)])
        }
      }),
      { numRuns: 500 },
    )
  })
})

function decodeName(name: string): string {
  return name.replace(/%([0-9A-F]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}

describe('a path', () => {
  test('never leads out, whatever it is made of', () => {
    const part = fc.constantFrom('..', '.', '', 'a', 'b', 'out', 'in', 'work', 'up', 'loop', 'x')
    const path = fc.array(part, { maxLength: 8 }).map((parts) => parts.join('/'))
    fc.assert(
      fc.property(fc.array(path, { maxLength: 12 }), fc.array(path, { maxLength: 6 }), (paths, targets) => {
        const tree = newTree()
        makeFolder(tree, 'a')
        targets.forEach((target, i) => answer(() => makeLink(tree, ['up', 'loop', 'a/up'][i % 3]!, target)))
        paths.forEach((path, i) => {
          if (i % 3 === 0) answer(() => put(tree, path))
          if (i % 3 === 1) answer(() => makeFolder(tree, path))
          if (i % 3 === 2)
            answer(() =>
              tree.rename(tree.resolve(tree.top, paths[i - 1]!, 'keep'), tree.resolve(tree.top, path, 'keep')),
            )
        })
        for (const folder of foldersOf(tree)) expect(reachesTop(tree, folder)).toBe(true)
        for (const name of collectResults(tree).keys()) expect(name.split('/')).not.toContain('..')
        for (const name of collectResults(tree).keys()) expect(name).not.toMatch(/^\/|\/\/|\/$|^$/)
      }),
      { numRuns: 300 },
    )
  })

  test('of four thousand bytes at most, with names of 255', () => {
    const tree = newTree()
    expect(answer(() => put(tree, `/${'a/'.repeat(2048)}b`))).toBe(ERRNO.nametoolong)
    expect(answer(() => put(tree, 'n'.repeat(256)))).toBe(ERRNO.nametoolong)
    expect(answer(() => put(tree, 'é'.repeat(128)))).toBe(ERRNO.nametoolong)
    expect(answer(() => put(tree, 'é'.repeat(127)))).toBeUndefined()
  })

  test('leads down 128 folders and no further, also step by step and by moving folders into each other', () => {
    const tree = newTree()
    let folder = tree.top
    const down = () => {
      folder = tree.createDirectory(tree.resolve(folder, 'd', 'keep'))
    }
    for (let i = 0; i < 128; i++) down()
    expect(answer(down)).toBe(ERRNO.nametoolong)
    makeFolder(tree, 'e')
    const [from, to] = ['d', 'e/d'].map((path) => tree.resolve(tree.top, path, 'keep'))
    expect(answer(() => tree.rename(from!, to!))).toBe(ERRNO.nametoolong)
    put(tree, `${'d/'.repeat(128)}file`)
    expect(names(tree)).toHaveLength(1)
  })

  test('through links to links ends after forty', () => {
    const tree = newTree()
    put(tree, 'link0')
    for (let i = 1; i <= 41; i++) makeLink(tree, `link${i}`, `link${i - 1}`)
    expect(tree.resolve(tree.top, 'link40', 'follow').node?.kind).toBe('file')
    expect(answer(() => tree.resolve(tree.top, 'link41', 'follow'))).toBe(ERRNO.loop)
  })

  test('through links that double each time costs no more than its forty', () => {
    const tree = newTree()
    makeFolder(tree, 'a')
    makeLink(tree, 'a/l0', '.')
    for (let i = 1; i < 30; i++) makeLink(tree, `a/l${i}`, `l${i - 1}/l${i - 1}`)
    expect(answer(() => tree.resolve(tree.top, 'a/l29/x', 'follow'))).toBe(ERRNO.loop)
  })
})

function foldersOf(tree: FileTree): readonly DirectoryNode[] {
  const found: DirectoryNode[] = []
  const visit = (node: TreeNode) => {
    if (node.kind !== 'directory') return
    found.push(node)
    node.entries.forEach(visit)
  }
  for (const mount of ['in', 'out', 'state', 'tmp'] as const) visit(tree.mount(mount))
  visit(tree.top)
  return found
}

function reachesTop(tree: FileTree, folder: DirectoryNode): boolean {
  let at: DirectoryNode | undefined = folder
  for (let steps = 0; steps < 100 && at; steps++) {
    if (at === tree.top) return true
    at = at.parent
  }
  return false
}

describe('room', () => {
  test('is given back when a file is cut or removed, and not while it is open', () => {
    const tree = newTree({ diskBytes: 10, files: 2 })
    put(tree, 'a', '1234567890')
    expect(answer(() => put(tree, 'b', 'x'))).toBe(ERRNO.nospc)
    const { node: a } = tree.resolve(tree.top, 'a', 'keep')
    if (a?.kind !== 'file') throw new Error('a is a file')
    tree.resize(a, 4)
    put(tree, 'b', '123456')
    expect(answer(() => put(tree, 'c', ''))).toBe(ERRNO.dquot)
    tree.open(a)
    tree.unlink(tree.resolve(tree.top, 'a', 'keep'))
    expect(answer(() => put(tree, 'c', '1'))).toBe(ERRNO.nospc)
    tree.close(a)
    put(tree, 'c', '1234')
  })
})

describe('a given file', () => {
  test.each([['/in'], ['..'], ['/'], ['a/../..'], ['']])('cannot be laid down as %j', (path) => {
    expect(answer(() => newTree().give(path, new Uint8Array()))).toBeTypeOf('number')
  })

  test('cannot be laid down twice, nor below another', () => {
    const tree = newTree()
    tree.give('a', new Uint8Array())
    expect(answer(() => tree.give('/work/a', new Uint8Array()))).toBe(ERRNO.exist)
    expect(answer(() => tree.give('a/b', new Uint8Array()))).toBe(ERRNO.notdir)
  })
})
