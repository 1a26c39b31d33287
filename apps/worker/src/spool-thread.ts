import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '@fog/kernel'

/**
 * The thread that waits for the disk, so that the worker does not: it runs what it is given on one database, writes of
 * one request in one transaction.
 */

export interface Statement {
  readonly text: string
  readonly values: readonly SQLInputValue[]
}

export interface Setup {
  readonly file: string
  readonly statements: readonly string[]
  readonly begin: string
  readonly commit: string
  readonly rollback: string
}

export type Request =
  | { readonly id: number; readonly write: readonly Statement[] }
  | { readonly id: number; readonly read: Statement }
  | { readonly id: number; readonly close: true }

/** Answers to the set-up have the id 0. */
export interface Answer {
  readonly id: number
  readonly rows?: readonly unknown[]
  readonly fault?: { readonly message: string; readonly code: number | undefined }
}

const port = parentPort
assert(port, 'this runs on a thread of the worker')
const setup = workerData as Setup
const prepared = new Map<string, StatementSync>()
let database: DatabaseSync | undefined

answer(0, () => {
  database = new DatabaseSync(setup.file, { timeout: 0 })
  for (const text of setup.statements) database.exec(text)
})

port.on('message', (request: Request) => {
  answer(request.id, () => {
    assert(database, 'the database was opened before')
    if ('read' in request) return statement(database, request.read.text).all(...request.read.values)
    if ('write' in request) return transact(database, request.write)
    database.close()
  })
  if ('close' in request) port.close()
})

function transact(on: DatabaseSync, writes: readonly Statement[]): undefined {
  on.exec(setup.begin)
  try {
    for (const { text, values } of writes) statement(on, text).run(...values)
    on.exec(setup.commit)
  } catch (fault) {
    // A full disk has sometimes ended the transaction already.
    if (on.isTransaction) on.exec(setup.rollback)
    throw fault
  }
}

function statement(on: DatabaseSync, text: string): StatementSync {
  const known = prepared.get(text) ?? on.prepare(text)
  prepared.set(text, known)
  return known
}

function answer(id: number, work: () => unknown): void {
  tell({ id, ...outcomeOf(work) })
}

function outcomeOf(work: () => unknown): Omit<Answer, 'id'> {
  try {
    const rows = work()
    return Array.isArray(rows) ? { rows } : {}
  } catch (fault) {
    const message = fault instanceof Error ? fault.message : String(fault)
    return { fault: { message, code: (fault as { errcode?: number }).errcode } }
  }
}

function tell(message: Answer): void {
  port!.postMessage(message, [])
}
