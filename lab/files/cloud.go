// Copyright The Gyre Authors
// SPDX-License-Identifier: Apache-2.0

package files

import (
	"encoding/json"
	"net/url"
	"time"
)

const (
	account = "111122223333"
	region  = "eu-central-1"
)

// cloud is an AWS Config snapshot of one account.
func (e Estate) cloud() []byte {
	taken := stamp(e.Made)
	item := func(kind, id, name, arn string, conf map[string]any) map[string]any {
		return map[string]any{
			"configurationItemVersion": "1.3", "configurationItemCaptureTime": taken, "configurationItemStatus": "OK",
			"configurationStateId": 1, "awsAccountId": account, "awsRegion": region, "resourceType": kind, "resourceId": id,
			"resourceName": name, "ARN": arn, "tags": map[string]any{}, "relatedEvents": []any{}, "relationships": []any{},
			"configuration": conf, "supplementaryConfiguration": map[string]any{},
		}
	}
	items := []any{
		e.bucket(item, "corp-press-kit", e.has("cloud.storage-public"), false),
		e.bucket(item, "corp-invoices", false, e.has("cloud.storage-unencrypted")),
		e.bucket(item, "corp-logs", false, false),
		e.securityGroup(item, "sg-0a1b2c3d4e5f60718", "web-admin", e.has("cloud.admin-port-open")),
		e.securityGroup(item, "sg-0918273645f0e1d2c", "database", false),
		e.user(item, "ci-operator", "AIDAEXAMPLECIOPERATOR", !e.has("cloud.user-without-mfa")),
		e.user(item, "finance-reader", "AIDAEXAMPLEFINANCEREAD", true),
		policy(item, "everything-everywhere", "ANPAEXAMPLEEVERYTHING", e.has("cloud.admin-policy")),
		policy(item, "read-reports", "ANPAEXAMPLEREADREPORTS", false),
		item("AWS::CloudTrail::Trail", "arn:aws:cloudtrail:"+region+":"+account+":trail/corp-trail", "corp-trail",
			"arn:aws:cloudtrail:"+region+":"+account+":trail/corp-trail", map[string]any{
				"name": "corp-trail", "s3BucketName": "corp-logs", "isMultiRegionTrail": true, "includeGlobalServiceEvents": true,
				"logFileValidationEnabled": true, "homeRegion": region, "isLogging": !e.has("cloud.audit-log-off"),
				"trailARN": "arn:aws:cloudtrail:" + region + ":" + account + ":trail/corp-trail",
			}),
		e.database(item, "orders-replica", "db-EXAMPLEORDERSREPLICA", e.has("cloud.database-public")),
		e.database(item, "ledger", "db-EXAMPLELEDGERPRIMARY", false),
	}
	out, err := json.MarshalIndent(map[string]any{
		"fileVersion": "1.0", "configSnapshotId": "5f1c2d3e-0000-4000-8000-000000000001", "configurationItems": items,
	}, "", " ")
	if err != nil {
		panic(err) // maps of JSON values always marshal
	}
	return append(out, '\n')
}

type itemFunc func(kind, id, name, arn string, conf map[string]any) map[string]any

func (e Estate) bucket(item itemFunc, name string, public, plain bool) map[string]any {
	it := item("AWS::S3::Bucket", name, name, "arn:aws:s3:::"+name, map[string]any{
		"name": name, "creationDate": e.Now.AddDate(-2, 0, 0).UTC().Format(time.RFC3339), "owner": map[string]any{"displayName": nil, "id": "practice"},
	})
	block := map[string]any{"blockPublicAcls": !public, "ignorePublicAcls": !public, "blockPublicPolicy": !public, "restrictPublicBuckets": !public}
	var policyText any
	grants := []any{map[string]any{"grantee": map[string]any{"id": "practice", "displayName": nil}, "permission": "FullControl"}}
	if public {
		policyText = jsonText(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
			"Sid": "Everyone", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::" + name + "/*",
		}}})
		grants = append(grants, map[string]any{"grantee": "AllUsers", "permission": "Read"})
	}
	var encryption any = map[string]any{"rules": []any{map[string]any{
		"applyServerSideEncryptionByDefault": map[string]any{"sseAlgorithm": "AES256", "kmsMasterKeyID": nil}, "bucketKeyEnabled": false,
	}}}
	if plain {
		encryption = nil
	}
	it["supplementaryConfiguration"] = map[string]any{
		// Config stores some parts as JSON inside a string.
		"AccessControlList":              jsonText(map[string]any{"grantSet": nil, "grantList": grants, "owner": map[string]any{"displayName": nil, "id": "practice"}, "isRequesterCharged": false}),
		"BucketPolicy":                   map[string]any{"policyText": policyText},
		"PublicAccessBlockConfiguration": block,
		"BucketVersioningConfiguration":  map[string]any{"status": "Enabled", "isMfaDeleteEnabled": nil},
		"IsRequesterPaysEnabled":         "false",

		"ServerSideEncryptionConfiguration": encryption,
	}
	return it
}

func (e Estate) securityGroup(item itemFunc, id, name string, open bool) map[string]any {
	cidr := "10.20.0.0/24"
	if open {
		cidr = "0.0.0.0/0"
	}
	port := 22
	if name == "database" {
		port = 5432
	}
	return item("AWS::EC2::SecurityGroup", id, name, "arn:aws:ec2:"+region+":"+account+":security-group/"+id, map[string]any{
		"groupId": id, "groupName": name, "description": name, "ownerId": account, "vpcId": "vpc-0f1e2d3c4b5a69788",
		"ipPermissions": []any{map[string]any{
			"fromPort": port, "toPort": port, "ipProtocol": "tcp", "ipv6Ranges": []any{}, "prefixListIds": []any{}, "userIdGroupPairs": []any{},
			"ipv4Ranges": []any{map[string]any{"cidrIp": cidr}}, "ipRanges": []any{cidr},
		}},
		"ipPermissionsEgress": []any{map[string]any{
			"ipProtocol": "-1", "ipv6Ranges": []any{}, "prefixListIds": []any{}, "userIdGroupPairs": []any{},
			"ipv4Ranges": []any{map[string]any{"cidrIp": "0.0.0.0/0"}}, "ipRanges": []any{"0.0.0.0/0"},
		}},
	})
}

func (e Estate) user(item itemFunc, name, id string, mfa bool) map[string]any {
	arn := "arn:aws:iam::" + account + ":user/" + name
	devices := []any{}
	if mfa {
		devices = append(devices, map[string]any{
			"userName": name, "serialNumber": "arn:aws:iam::" + account + ":mfa/" + name, "enableDate": e.Now.AddDate(-1, 0, 0).UTC().Format(time.RFC3339),
		})
	}
	it := item("AWS::IAM::User", id, name, arn, map[string]any{
		"userName": name, "userId": id, "arn": arn, "path": "/", "createDate": e.Now.AddDate(-1, 0, 0).UTC().Format(time.RFC3339),
		"attachedManagedPolicies": []any{}, "userPolicyList": []any{}, "groupList": []any{"readers"}, "tags": []any{},
		"loginProfile": map[string]any{"userName": name}, "mfaDevices": devices, "mfaActive": mfa,
	})
	it["awsRegion"] = "global"
	return it
}

func policy(item itemFunc, name, id string, everything bool) map[string]any {
	document := map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
		"Effect": "Allow", "Action": []any{"s3:GetObject"}, "Resource": []any{"arn:aws:s3:::corp-logs/*"},
	}}}
	if everything {
		document["Statement"] = []any{map[string]any{"Effect": "Allow", "Action": "*", "Resource": "*"}}
	}
	arn := "arn:aws:iam::" + account + ":policy/" + name
	it := item("AWS::IAM::Policy", id, name, arn, map[string]any{
		"policyName": name, "policyId": id, "arn": arn, "path": "/", "defaultVersionId": "v1", "attachmentCount": 1, "isAttachable": true,
		"policyVersionList": []any{map[string]any{"versionId": "v1", "isDefaultVersion": true, "document": url.QueryEscape(jsonText(document))}},
	})
	it["awsRegion"] = "global"
	return it
}

func (e Estate) database(item itemFunc, name, id string, public bool) map[string]any {
	return item("AWS::RDS::DBInstance", id, name, "arn:aws:rds:"+region+":"+account+":db:"+name, map[string]any{
		"dBInstanceIdentifier": name, "dbiResourceId": id, "engine": "postgres", "engineVersion": "16.4", "dBInstanceClass": "db.t4g.medium",
		"publiclyAccessible": public, "storageEncrypted": true, "multiAZ": true, "backupRetentionPeriod": 14,
	})
}

func jsonText(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of JSON values always marshal
	}
	return string(out)
}
