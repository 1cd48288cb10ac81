{{/* What both Services have in common. */}}

{{- define "ratekeeper.service.families" -}}
{{- with .Values.service.ipFamilyPolicy }}
ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .Values.service.ipFamilies }}
ipFamilies:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Takes the numbers of the ports, and what the one named grpc speaks. */}}
{{- define "ratekeeper.service.ports" -}}
{{- $ports := .ports -}}
- name: grpc
  port: {{ $ports.grpc }}
  targetPort: grpc
  protocol: TCP
  {{- with .grpc }}
  appProtocol: {{ . }}
  {{- end }}
- name: http
  port: {{ $ports.http }}
  targetPort: http
  protocol: TCP
  appProtocol: http
- name: metrics
  port: {{ $ports.metrics }}
  targetPort: metrics
  protocol: TCP
  appProtocol: http
{{- end -}}
