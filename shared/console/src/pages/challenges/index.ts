export { ChallengesPage } from './ChallengesPage';
export { NewChallengesPage } from './NewChallengesPage';
