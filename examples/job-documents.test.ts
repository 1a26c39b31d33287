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
  const { program, inputs = {}, each } = document as JobDocument
  const files = [program.file, ...Object.values(inputs)].map((file) => join(dirname(path), file))
  expect(files.filter((file) => !existsSync(file))).toEqual([])
  const items = each && 'glob' in each ? globSync(each.glob, { cwd: dirname(path) }) : []
  expect(items.length).toBeGreaterThan(1)
})
