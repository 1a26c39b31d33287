import { Outlet } from '@tanstack/react-router'
import { Toasts } from '../parts/toasts.tsx'

/** What is around every page, logged in or not. Messages lie within the router: some have links. */
export function Root() {
  return (
    <Toasts>
      <Outlet />
    </Toasts>
  )
}
