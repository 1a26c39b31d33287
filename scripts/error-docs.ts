import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'vite'
import { errorDocs, readErrorCodes } from './error-codes.ts'

/** `npm run docs:errors`: writes docs/errors.md from the error classes of all packages and apps. */
const root = join(import.meta.dirname, '..')
const paths = globSync('{packages,apps}/*/src/**/*.ts', { cwd: root })
const files = paths.map((path) => ({ path, program: parseSync(path, readFileSync(join(root, path), 'utf8')).program }))
const { codes, problems } = readErrorCodes(files)
if (problems.length > 0) throw new Error(problems.join('\n'))
writeFileSync(join(root, 'docs', 'errors.md'), errorDocs(codes))
console.log(`docs/errors.md: ${codes.length} errors`)
