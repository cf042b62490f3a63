/** Has the browser save a text as a file. */
export function saveText(text: string, type: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser may read the text after this event.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
