import { applyMode, Mode } from '@cloudscape-design/global-styles';

const KEY = 'scepter.appearance';

export type Appearance = 'system' | 'light' | 'dark';

const dark = matchMedia('(prefers-color-scheme: dark)');

/** The appearance that the user chose in this browser. */
export function chosenAppearance(): Appearance {
  const chosen = localStorage.getItem(KEY);
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
}

/** Remembers the appearance, and shows it. */
export function chooseAppearance(appearance: Appearance): void {
  localStorage.setItem(KEY, appearance);
  applyAppearance();
}

/** Shows the chosen appearance, and follows the system's when that was chosen. */
export function applyAppearance(): void {
  const chosen = chosenAppearance();
  const isDark = chosen === 'dark' || (chosen === 'system' && dark.matches);
  applyMode(isDark ? Mode.Dark : Mode.Light);
  document.documentElement.style.colorScheme = isDark ? 'dark' : 'light';
}

dark.addEventListener('change', applyAppearance);
