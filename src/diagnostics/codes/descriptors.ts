/** HG213x: the methods of gRPC services, as descriptor sets describe them. */
export const descriptorCodes = {
  HG2130: {
    title: 'descriptor set that cannot be read',
    meaning: 'The file that `descriptors` names is looked for beside the policy. It is of bounded size.',
  },
  HG2131: {
    title: 'not a descriptor set',
    meaning:
      'A descriptor set is a compiled FileDescriptorSet, as `protoc --descriptor_set_out` and `buf build` write it; it is no `.proto` file.',
  },
  HG2132: {
    title: 'descriptor set without methods',
    meaning: 'What it describes are all methods that there are: with none, nothing of the service could be called.',
  },
  HG2133: {
    title: 'imports that are not there',
    meaning:
      'A file of the descriptor set imports one that is not in it. Methods that are declared there are unknown, and refused.',
  },
  HG2134: {
    title: 'unknown method',
    meaning: 'The policy says something of a method that the descriptor set of its service does not have.',
  },
  HG2135: {
    title: 'methods that nobody may call',
    meaning: 'No rule of this environment allows calls of these methods, which the descriptor set describes.',
  },
} as const;
