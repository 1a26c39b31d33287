import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Value } from 'typebox/value'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { JobDocument, ResourcesDocument, StepDocument } from '@fog/contract'

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

const page = readFileSync(join(import.meta.dirname, '../docs/job-document.md'), 'utf8')

test('every field of a job document is explained', () => {
  const fields = [JobDocument, StepDocument, ResourcesDocument].flatMap(({ properties }) => Object.keys(properties))
  expect(fields.filter((field) => !page.includes(`\`${field}`))).toEqual([])
})

test('the documents of the page are job documents', () => {
  const blocks = [...page.matchAll(/```yaml\n([^]*?)```/g)].map(([, text]) => text!)
  expect(blocks.length).toBeGreaterThan(1)
  for (const text of blocks) expect(Value.Errors(JobDocument, parse(text))).toEqual([])
})
