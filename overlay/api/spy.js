// Notices where the reader is: the topmost of what is watched, in a band under the head.

/** Calls `seen(id)` with the `data-spy` or the id of the element that is read. */
export function spy(nodes, seen) {
  const inside = new Set();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) inside.add(target);
        else inside.delete(target);
      }
      const first = nodes.find((node) => inside.has(node));
      if (first) seen(first.dataset.spy ?? first.id);
    },
    { rootMargin: '-72px 0px -70% 0px' },
  );
  for (const node of nodes) observer.observe(node);
}
