import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Value } from 'typebox/value'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { JobDocument } from '@fog/contract'

const documents = globSync('*/job.yaml', { cwd: import.meta.dirname })

test('there are examples', () => {
  expect(documents.length).toBeGreaterThanOrEqual(2)
})

test.each(documents)('%s is a job document whose files are all there', (name) => {
  const path = join(import.meta.dirname, name)
  const document: unknown = parse(readFileSync(path, 'utf8'))
  expect(Value.Errors(JobDocument, document)).toEqual([])
  const { steps = [], program, inputs, each } = document as JobDocument
  const programs = program ? [{ program, inputs, each }] : steps
  const files = programs.flatMap((one) => [
    one.program.file,
    ...Object.values(one.inputs ?? {}).filter((file) => typeof file === 'string'),
  ])
  expect(files.filter((file) => !existsSync(join(dirname(path), file)))).toEqual([])
  for (const one of programs) {
    if (!one.each || !('glob' in one.each)) continue
    expect(globSync(one.each.glob, { cwd: dirname(path) }).length).toBeGreaterThan(1)
  }
})
