terraform {
  required_version = ">= 1.5"
}

variable "acl" { default = "public-read" }

resource "aws_s3_bucket" "press" {
  bucket = "press-kit"
  acl    = "public-read"
}

resource "aws_s3_bucket" "unknown" {
  acl = var.acl
  versioning {
    enabled = "true"
  }
  server_side_encryption_configuration {
    rule {}
  }
}

resource "aws_security_group" "admin" {
  ingress {
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0", "10.0.0.0/8"]
  }
  ingress {
    from_port        = 0
    to_port          = 0
    protocol         = "-1"
    ipv6_cidr_blocks = ["::/0"]
  }
  ingress {
    from_port   = var.port
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_security_group" "list" {
  ingress = [{ from_port = 3389, to_port = 3389, protocol = "tcp", cidr_blocks = ["0.0.0.0/0"], description = var.x }]
}

resource "aws_vpc_security_group_ingress_rule" "rule" {
  cidr_ipv4   = "0.0.0.0/0"
  from_port   = 22
  to_port     = 22
  ip_protocol = "tcp"
}

resource "aws_db_instance" "orders" {
  storage_encrypted   = false
  publicly_accessible = true
}

resource "aws_ebs_volume" "disk" {
  encrypted = !true
}

resource "aws_instance" "web" {
  root_block_device { encrypted = true }
  ebs_block_device { encrypted = false }
}

resource "azurerm_network_security_rule" "rdp" {
  direction              = "Inbound"
  access                 = "Allow"
  protocol               = "Tcp"
  source_address_prefix  = "*"
  destination_port_range = "3389"
}

resource "google_compute_firewall" "ssh" {
  source_ranges = ["0.0.0.0/0"]
  allow {
    protocol = "tcp"
    ports    = ["22", "8000-8100"]
  }
}
