import { HttpError } from './errors.ts'

const DEFAULT_LIMIT = 50

export interface PageAsked {
  readonly limit?: number | undefined
  readonly after?: string | undefined
}

export interface Page<View> {
  items: View[]
  next?: string
}

/** Reads one item more than asked for, which tells whether there is a next page, and names where it starts. */
export async function pageOf<Item, View>(
  { limit = DEFAULT_LIMIT }: PageAsked,
  read: (limit: number) => Promise<readonly Item[]>,
  cursorOf: (item: Item) => string,
  viewsOf: (items: readonly Item[]) => View[] | Promise<View[]>,
): Promise<Page<View>> {
  const found = await read(limit + 1)
  const items = found.slice(0, limit)
  const last = items.at(-1)
  const views = await viewsOf(items)
  return found.length > limit && last !== undefined ? { items: views, next: cursorOf(last) } : { items: views }
}

/** A cursor that is a number. Throws `request.invalid`. */
export function numberCursor(after: string | undefined): number | undefined {
  if (after === undefined) return undefined
  if (!/^\d{1,15}$/.test(after)) {
    throw new HttpError({ code: 'request.invalid', field: 'after', wants: 'the `next` of the page before' })
  }
  return Number(after)
}
