export { ScepProfilesPage } from './ScepProfilesPage';
export { NewScepProfilePage } from './NewScepProfilePage';
export { ScepProfilePage } from './ScepProfilePage';
export { EditScepProfilePage } from './EditScepProfilePage';
