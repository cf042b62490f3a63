import hooks from 'eslint-plugin-react-hooks';
import { defineConfig, globalIgnores } from 'eslint/config';
import typescript from 'typescript-eslint';

// Components that lay their children out in a SpaceBetween.
const SPACED = /^(SpaceBetween|FormDialog|ConfirmDialog|Section|Page|EditForm)$/;

/** Finds a fragment where a component of `SPACED` expects a child. */
const spacedFragments = [
  '',
  '> JSXExpressionContainer',
  '> JSXExpressionContainer > :matches(LogicalExpression, ConditionalExpression)',
  '> JSXExpressionContainer > ArrowFunctionExpression',
].map((between) => ({
  selector: `JSXElement[openingElement.name.name=${SPACED}] ${between} > JSXFragment`,
  message:
    'SpaceBetween counts a fragment as one child, and puts no space inside: use a SpaceBetween.',
}));

export default defineConfig([
  globalIgnores(['dist', 'src/api/schema.ts', 'eslint.config.js']),
  typescript.configs.strictTypeChecked,
  hooks.configs.flat.recommended,
  {
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // Numbers in text are what templates are for.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // An event handler may start what it does not wait for; its errors are reported there.
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-syntax': ['error', ...spacedFragments],
      'max-lines': ['error', { max: 300 }],
    },
  },
]);
