export { RaProfilesPage } from './RaProfilesPage';
export { NewRaProfilePage } from './NewRaProfilePage';
export { RaProfilePage } from './RaProfilePage';
export { EditRaProfilePage } from './EditRaProfilePage';
