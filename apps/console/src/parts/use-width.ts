import { type RefObject, useEffect, useRef, useState } from 'react'

/** How wide an element is, `usual` before it was measured: so that what is drawn in it keeps the size of its words. */
export function useWidth<E extends Element>(usual: number): [RefObject<E | null>, number] {
  const place = useRef<E>(null)
  const [width, setWidth] = useState(usual)
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => {
      if (entry && entry.contentRect.width > 0) setWidth(Math.round(entry.contentRect.width))
    })
    watch.observe(place.current!)
    return () => watch.disconnect()
  }, [])
  return [place, width]
}
