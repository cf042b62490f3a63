/** The leaves of a JSON value, each as text by its path: `subject.CN` and `device-7`. Lists of
 *  plain values are one leaf; what is empty is none. */
export function flatValues(value: unknown, path = ''): Map<string, string> {
  const leaves = new Map<string, string>();
  if (Array.isArray(value) && value.some((item) => typeof item === 'object')) {
    value.forEach((item: unknown, place) => addAll(leaves, flatValues(item, `${path}[${place}]`)));
  } else if (Array.isArray(value)) {
    addLeaf(leaves, path, value.map(String).join(', '));
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) {
      addAll(leaves, flatValues(inner, path === '' ? name : `${path}.${name}`));
    }
  } else if (typeof value === 'string' || typeof value === 'number') {
    addLeaf(leaves, path, String(value));
  } else if (typeof value === 'boolean') {
    addLeaf(leaves, path, value ? 'yes' : 'no');
  }
  return leaves;
}

function addAll(leaves: Map<string, string>, more: Map<string, string>): void {
  more.forEach((text, path) => leaves.set(path, text));
}

function addLeaf(leaves: Map<string, string>, path: string, text: string): void {
  if (text !== '') {
    leaves.set(path, text);
  }
}
