import { Navigate, useNavigate, useSearch } from '@tanstack/react-router'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useEffect, useState } from 'react'
import { Button } from '../../parts/button.tsx'
import { Doorway } from '../../parts/doorway.tsx'
import { TextField } from '../../parts/field.tsx'
import { Failure } from '../../parts/notice.tsx'
import { useSession, useSessionState } from '../../session/session-context.tsx'

/** Name and password, and back to where one was going. */
export function LogInPage() {
  const session = useSession()
  const state = useSessionState()
  const navigate = useNavigate()
  const { next } = useSearch({ from: '/login' })
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const enter = useMutation({ mutationFn: async () => session.logIn(name.trim(), password) })
  useEffect(() => {
    document.title = 'Log in · Fog'
  }, [])
  useEffect(() => {
    if (state.status === 'in') void navigate({ href: next ?? '/', replace: true })
  }, [state.status, navigate, next])
  if (state.status === 'out' && state.setupNeeded) return <Navigate to="/setup" replace />

  const submit = (event: FormEvent) => {
    event.preventDefault()
    enter.mutate()
  }
  return (
    <Doorway title="Log in" note="Your fog, your devices, your jobs.">
      <form onSubmit={submit} className="space-y-4">
        <TextField
          label="Name"
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
          // eslint-disable-next-line jsx-a11y/no-autofocus -- the page is nothing but this form
          autoFocus
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <TextField
          label="Password"
          name="password"
          type="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        {enter.isError && <Failure error={enter.error} />}
        <Button type="submit" kind="primary" busy={enter.isPending} className="w-full">
          Log in
        </Button>
      </form>
    </Doorway>
  )
}
