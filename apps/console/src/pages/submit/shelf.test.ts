import { expect, test } from 'vitest'
import { documentAmong, findFile, withFiles, withoutCommonFolder } from './shelf.ts'

const chosen = (...paths: string[]) => paths.map((path) => ({ path, file: new File([path], path.split('/').at(-1)!) }))

test('a chosen folder is where its document counts from', () => {
  const files = withoutCommonFolder(chosen('mandelbrot/job.yaml', 'mandelbrot/build/mandel.wasm'))
  expect(files.map(({ path }) => path)).toEqual(['job.yaml', 'build/mandel.wasm'])
  expect(documentAmong(files)?.name).toBe('job.yaml')
})

test('files from different places keep their paths', () => {
  expect(withoutCommonFolder(chosen('a/x', 'b/y')).map(({ path }) => path)).toEqual(['a/x', 'b/y'])
  expect(withoutCommonFolder(chosen('x')).map(({ path }) => path)).toEqual(['x'])
})

test('a file is found by its path, or by its name when only one has it', () => {
  const shelf = withFiles(new Map(), chosen('mandel.wasm', 'a/data.csv', 'b/data.csv'))
  expect(findFile(shelf, 'build/mandel.wasm')?.name).toBe('mandel.wasm')
  expect(findFile(shelf, './a/data.csv')).toBe(shelf.get('a/data.csv'))
  expect(findFile(shelf, 'c/data.csv')).toBeUndefined()
  expect(findFile(shelf, '')).toBeUndefined()
})

test('among several YAML files without a job.yaml none is taken for the job', () => {
  expect(documentAmong(chosen('a.yaml', 'b.yaml'))).toBeUndefined()
  expect(documentAmong(chosen('render.yml', 'x.wasm'))?.name).toBe('render.yml')
})

test('a file chosen again takes the place of the older one', () => {
  const [first] = chosen('a.txt')
  const again = { path: 'a.txt', file: new File(['new'], 'a.txt') }
  expect(withFiles(withFiles(new Map(), [first!]), [again]).get('a.txt')).toBe(again.file)
})
