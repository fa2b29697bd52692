/** The one call that is measured: a prediction of four numbers, as a scoring client makes it. */
export const predictModel = 'finance-prod';
export const predictPath = `/v1/models/${predictModel}:predict`;
export const predictBody = '{"instances":[[5.1,3.5,1.4,0.2]]}';
