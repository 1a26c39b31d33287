import { ERRNO, refuse } from './errno.ts'
import type { DirectoryNode, FileNode, FileTree, TreeNode } from './file-tree.ts'
import { ALL_RIGHTS, STREAM_RIGHTS } from './rights.ts'

export interface Rights {
  base: bigint
  inheriting: bigint
}

export interface OpenFile {
  readonly kind: 'file'
  readonly node: FileNode
  readonly rights: Rights
  offset: number
  flags: number
}

export interface OpenDirectory {
  readonly kind: 'directory'
  readonly node: DirectoryNode
  readonly rights: Rights
  /** The name under which a program finds it at its start. */
  readonly preopenedAs: string | undefined
  flags: number
  /** What `fd_readdir` lists, as it was when listing began. */
  listing: readonly (readonly [name: string, node: TreeNode])[]
}

export interface OpenStream {
  readonly kind: 'stream'
  readonly name: 'stdin' | 'stdout' | 'stderr'
  readonly rights: Rights
  flags: number
}

export type Descriptor = OpenFile | OpenDirectory | OpenStream

/** The open files of a program: 0 to 2 its streams, then its folders, then what it opens, lowest free number first. */
export class Descriptors {
  readonly #open: (Descriptor | undefined)[] = []
  readonly #tree: FileTree
  readonly #most: number
  #count = 0

  constructor(tree: FileTree, most: number) {
    this.#tree = tree
    this.#most = most
    for (const name of ['stdin', 'stdout', 'stderr'] as const) this.#place(this.#open.length, stream(name))
    this.#preopen('.', tree.top)
    this.#preopen('/', tree.top)
    for (const mount of ['in', 'out', 'state', 'tmp'] as const) this.#preopen(`/${mount}`, tree.mount(mount))
    this.#preopen('/work', tree.top)
    // What a program starts with does not count against what it may open.
    this.#count = 0
  }

  get(fd: number): Descriptor {
    return this.#open[fd] ?? refuse(ERRNO.badf)
  }

  /** A file opened with the rights asked for; without them EBADF, as for a file opened the other way. */
  file(fd: number, right = 0n): OpenFile {
    const found = this.get(fd)
    if (found.kind === 'stream') return refuse(ERRNO.spipe)
    if (found.kind === 'directory') return refuse(ERRNO.isdir)
    return holding(found, right)
  }

  directory(fd: number): OpenDirectory {
    const found = this.get(fd)
    return found.kind === 'directory' ? found : refuse(ERRNO.notdir)
  }

  add(descriptor: Descriptor): number {
    if (this.#count >= this.#most) refuse(ERRNO.mfile)
    let fd = this.#open.indexOf(undefined)
    if (fd < 0) fd = this.#open.length
    this.#place(fd, descriptor)
    return fd
  }

  close(fd: number): void {
    const closed = this.get(fd)
    this.#open[fd] = undefined
    this.#count--
    if (closed.kind === 'file') this.#tree.close(closed.node)
  }

  /** Moves `from` to the number `to`, closing what was there. */
  renumber(from: number, to: number): void {
    const moved = this.get(from)
    this.get(to)
    if (from === to) return
    this.close(to)
    this.#open[to] = moved
    this.#open[from] = undefined
  }

  #place(fd: number, descriptor: Descriptor): void {
    this.#open[fd] = descriptor
    this.#count++
    if (descriptor.kind === 'file') this.#tree.open(descriptor.node)
  }

  #preopen(name: string, node: DirectoryNode): void {
    this.#place(this.#open.length, openDirectory(node, { base: ALL_RIGHTS, inheriting: ALL_RIGHTS }, name))
  }
}

export function openDirectory(node: DirectoryNode, rights: Rights, preopenedAs?: string): OpenDirectory {
  return { kind: 'directory', node, rights, preopenedAs, flags: 0, listing: [] }
}

export function openFile(node: FileNode, rights: Rights, flags: number): OpenFile {
  return { kind: 'file', node, rights, offset: 0, flags }
}

function stream(name: OpenStream['name']): OpenStream {
  return { kind: 'stream', name, rights: { base: STREAM_RIGHTS, inheriting: 0n }, flags: 0 }
}

export function holding<D extends Descriptor>(descriptor: D, right: bigint): D {
  return (descriptor.rights.base & right) === right ? descriptor : refuse(ERRNO.badf)
}
