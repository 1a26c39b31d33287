import type { FileBytes } from './file-bytes.ts'
import { type FileNode, type FileTree, isInside, type Place, type TreeNode } from './file-tree.ts'

/** A file of a checkpoint. */
export interface StateFile {
  /** Relative to `/state`. */
  readonly path: string
  readonly size: number
  /** Rises with every change in the folder: a file whose number is the same has the same content. */
  readonly version: number
  /** A copy of the content, made when it is asked for. */
  bytes(): Uint8Array
}

/** What lay in `/state`, whole, at one moment. */
export interface StateSnapshot {
  readonly version: number
  /** Sorted by path. */
  readonly files: readonly StateFile[]
  readonly size: number
  /** Fuel that the program had burnt by then. */
  readonly fuelUsed: bigint
}

interface Kept {
  readonly content: FileBytes
  readonly version: number
}

/**
 * The checkpoint of a program: the files that were renamed into `/state`, each as it was at its rename. What is written there
 * under its own name, or changed later, is not part of it, so a checkpoint never holds half a file. Keeping one copies
 * nothing: the program's next write does.
 */
export class StateFolder {
  readonly #tree: FileTree
  readonly #fuelUsed: () => bigint
  readonly #onChange: ((snapshot: StateSnapshot) => void) | undefined
  readonly #kept = new Map<string, Kept>()
  #version = 0

  constructor(tree: FileTree, fuelUsed: () => bigint, onChange?: (snapshot: StateSnapshot) => void) {
    this.#tree = tree
    this.#fuelUsed = fuelUsed
    this.#onChange = onChange
  }

  /** What an earlier attempt left is in place from the start; it is no change. */
  restored(): void {
    for (const [path, file] of this.#tree.filesUnder(this.#tree.mount('state'))) this.#keep(path, file, 0)
  }

  /** The path of a place from `/state`, if it lies there. */
  pathOf({ parent, name }: Place): string | undefined {
    const folder = this.#tree.mount('state')
    return isInside(parent, folder) ? this.#tree.pathOf(parent, name).slice('state/'.length) : undefined
  }

  /** A file, or a folder with all that is in it, has another path now. */
  moved(node: TreeNode, from: string | undefined, to: string | undefined): void {
    if (from === to || node.kind === 'link') return
    const isFreed = this.#forget(from)
    const isKept = to !== undefined && this.#keepUnder(node, to)
    if (isFreed || isKept) this.#tell()
  }

  /** A file is gone. */
  removed(path: string | undefined): void {
    if (this.#forget(path)) this.#tell()
  }

  snapshot(): StateSnapshot {
    const files = [...this.#kept]
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([path, { content, version }]) => ({ path, size: content.size, version, bytes: () => content.toBytes() }))
    const size = files.reduce((sum, file) => sum + file.size, 0)
    return { version: this.#version, files, size, fuelUsed: this.#fuelUsed() }
  }

  /** Whether anything in place lay there or below. */
  #forget(path: string | undefined): boolean {
    if (path === undefined) return false
    const gone = [...this.#kept.keys()].filter((each) => each === path || each.startsWith(`${path}/`))
    for (const each of gone) this.#kept.delete(each)
    return gone.length > 0
  }

  #keepUnder(node: TreeNode, path: string): boolean {
    if (node.kind === 'file') this.#keep(path, node, this.#version + 1)
    if (node.kind !== 'directory') return node.kind === 'file'
    const files = [...this.#tree.filesUnder(node, `${path}/`)]
    for (const [each, file] of files) this.#keep(each, file, this.#version + 1)
    return files.length > 0
  }

  #keep(path: string, file: FileNode, version: number): void {
    this.#kept.set(path, { content: file.content.snapshot(), version })
  }

  #tell(): void {
    this.#version++
    this.#onChange?.(this.snapshot())
  }
}
