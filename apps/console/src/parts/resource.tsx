import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Failure, Loading } from './notice.tsx'

interface ResourceProps<Data> {
  readonly query: UseQueryResult<Data>
  readonly children: (data: Data) => ReactNode
  readonly lines?: number
  readonly label?: string
}

/** A query's three faces: loading, failed with a way to try again, and its data. Old data stays while a read fails. */
export function Resource<Data>({ query, children, lines, label }: ResourceProps<Data>) {
  if (query.data === undefined && query.isError) {
    return (
      <div className="p-4 sm:p-5">
        <Failure error={query.error} retry={() => void query.refetch()} />
      </div>
    )
  }
  if (query.data === undefined) return <Loading {...(lines && { lines })} {...(label && { label })} />
  return (
    <>
      {query.isError && (
        <div className="px-4 pt-1 pb-3 sm:px-5">
          <Failure error={query.error} retry={() => void query.refetch()} />
        </div>
      )}
      {children(query.data)}
    </>
  )
}
